// Text imports (`with { type: "text" }`): the same code under `bun run` and inside the executable.
declare module "*.sql" {
  const text: string;
  export default text;
}
declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*.svg" {
  const text: string;
  export default text;
}
// A file of bytes (`with { type: "file" }`): its path, which inside the executable is one that `node:fs` reads.
declare module "*.png" {
  const path: string;
  export default path;
}
declare module "unhomoglyph/data.json" {
  const text: string;
  export default text;
}
