import { t } from "elysia";

/** Shapes that several routes take. Bounds live in core, which pages use too. */
export const pageQuery = { limit: t.Optional(t.Numeric()) };
