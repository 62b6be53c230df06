import { Gate } from "../shared/Gate";
import { mount } from "../shared/mount";
import { Companion } from "./Companion";

mount(
  "companion",
  <Gate>
    <Companion />
  </Gate>,
);
