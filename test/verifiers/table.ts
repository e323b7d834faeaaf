import { takes, type Judgement, type Rotation } from "./judgement.ts";

export type Row = {
  name: string;
  told: string;
  /** Null: not here. */
  version: string | null;
  /** By algorithm; empty where it was not run. */
  judgements: Map<string, Judgement>;
  rotation?: Rotation;
  /** Whether it took a good token of the first algorithm when keys of the second were published, too. */
  isFineAmongOthers?: boolean;
};

const LENGTH_MAX = 60;

/** In one cell of a Markdown table; of a page only the status is of interest. */
const short = (text: string) => {
  const [plain = ""] = text.replace(/\s+/g, " ").split(/ <!DOCTYPE/i);
  const words = plain.replaceAll("|", "\\|").replaceAll("`", "'").trim();
  return words.length > LENGTH_MAX ? `${words.slice(0, LENGTH_MAX)}…` : words;
};

function algorithmCell(judgement: Judgement | undefined): string {
  if (!judgement) return "not run";
  if (takes(judgement)) return "yes";
  if (judgement.against !== null) return `no: \`${short(judgement.against)}\``;
  return `**takes ${judgement.taken.join(", ")}**`;
}

/** What it did in every run in which it took a good token. */
function refusalCell(judgements: Judgement[], isAsked: (fault: string) => boolean): string {
  const working = judgements.filter(({ against }) => against === null);
  if (working.length === 0) return "not run";
  const of = (faults: string[]) => [...new Set(faults)].filter(isAsked).join(", ");
  const taken = of(working.flatMap((each) => each.taken));
  const broke = of(working.flatMap((each) => each.broke));
  if (taken) return `**no: ${taken}**`;
  return broke ? `yes; with 500: ${broke}` : "yes";
}

function flagCell(judgements: Judgement[], isSo: (judgement: Judgement) => boolean): string {
  const working = judgements.filter(({ against }) => against === null);
  return working.length === 0 ? "not run" : working.every(isSo) ? "yes" : "no";
}

function rotationCell(rotation: Rotation | undefined): string {
  if (!rotation) return "not run";
  const { next, unknownAfter } = rotation;
  if (!next) return "no";
  if (unknownAfter === null) return "yes; an unknown one not within a minute";
  return unknownAfter === 0 ? "yes; an unknown one at once" : `yes; an unknown one after ${unknownAfter} s`;
}

const isRefresh = (fault: string) => fault === "a refresh token";

export function tableOf(rows: Row[], algorithms: string[]): string {
  const head = [
    "verifier",
    ...algorithms,
    "refuses a refresh token",
    "refuses a forged, expired, other audience's or issuer's one",
    "minds `typ`",
    "minds `cnf`",
    "takes the next key",
    `takes ${algorithms[0]} among keys of ${algorithms[1]}`,
    "what it was told",
  ];
  const lines = rows.map(({ name, told, version, judgements, rotation, isFineAmongOthers }) => {
    const all = [...judgements.values()];
    return [
      version === null ? name : `${name} ${version}`,
      ...algorithms.map((algorithm) => algorithmCell(judgements.get(algorithm))),
      refusalCell(all, isRefresh),
      refusalCell(all, (fault) => !isRefresh(fault)),
      flagCell(all, ({ takesOtherTyp }) => !takesOtherTyp),
      flagCell(all, ({ takesBound }) => !takesBound),
      rotationCell(rotation),
      isFineAmongOthers === undefined ? "not run" : isFineAmongOthers ? "yes" : "**no**",
      told,
    ];
  });
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
