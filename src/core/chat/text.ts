import { invalidField } from "../../errors.ts";

/**
 * Text that a person wrote, kept as it is. Error code: `validation_failed` if it is blank, longer than `limit`
 * characters, ill-formed Unicode or holds NUL, which a database need not keep faithfully.
 */
export function readText(field: string, input: string, limit: number): string {
  if (!input.isWellFormed() || input.includes("\0")) throw invalidField(field, "ill_formed");
  if (input.trim() === "") throw invalidField(field, "required");
  if ([...input].length > limit) throw invalidField(field, "too_long", limit);
  return input;
}
