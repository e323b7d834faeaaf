import table from "unhomoglyph/data.json" with { type: "text" };

let prototypes: Record<string, string> | undefined;

/** What stands for a character that looks like others; itself for any other. The table is read when it is first needed. */
function prototypeOf(letter: string): string {
  prototypes ??= JSON.parse(table) as Record<string, string>;
  return Object.hasOwn(prototypes, letter) ? prototypes[letter]! : letter;
}

/** Unicode UTS 39, section 4: two texts that look alike have one skeleton. */
const skeleton = (text: string) => [...text.normalize("NFD")].map(prototypeOf).join("").normalize("NFD");

/**
 * What a name looks like, as it is shown and in small letters (`key`, its folded form): of two names that have a shape in
 * common one can be taken for the other. `aIice` looks like `alice`, `ɑdmin` like `admin`.
 */
export function shapesOf(shown: string, key: string): string[] {
  // The dot of a Turkish İ stays on the small i, where nobody sees a second one.
  const small = key.normalize("NFD").replaceAll("i\u0307", "i");
  return [...new Set([skeleton(shown), skeleton(small)])];
}

const RESERVED =
  "abuse admin administrator anonymous api deleted duet everyone help helpdesk hostmaster info moderator nobody noreply official operator postmaster root security staff superuser support sysadmin system team webmaster 管理员 系统 系统管理员 客服 官方 安全中心";

let reservedShapes: Set<string> | undefined;

/** Whether somebody of that name would be taken for whoever runs the place. */
export function isReserved(shapes: string[]): boolean {
  reservedShapes ??= new Set(RESERVED.split(" ").flatMap((name) => shapesOf(name, name)));
  return shapes.some((shape) => reservedShapes!.has(shape));
}
