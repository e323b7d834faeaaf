import { describeProxy } from "./checks.ts";
import { APACHE } from "./kinds.ts";

describeProxy(APACHE);
