import { describeProxy } from "./checks.ts";
import { HAPROXY } from "./kinds.ts";

describeProxy(HAPROXY);
