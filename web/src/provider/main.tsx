import { Gate } from "../shared/Gate";
import { mount } from "../shared/mount";
import { Console } from "./Console";

mount(
  "provider",
  <Gate needs="provider" refusal={["signin.not_provider", "signin.not_provider_hint"]}>
    <Console />
  </Gate>,
);
