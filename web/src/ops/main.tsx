import { Gate } from "../shared/Gate";
import { mount } from "../shared/mount";
import { Ops } from "./Ops";

mount(
  "ops",
  <Gate needs="operator" refusal={["signin.not_operator", "signin.not_operator_hint"]}>
    <Ops />
  </Gate>,
);
