// Texts of one kind and one person, in what the tabs of a browser share.

/** As much of `localStorage` as is needed, looked for when it is used: it may be forbidden. */
export type Store = {
  keep(): Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;
  /** What another tab has changed, and from what. */
  hear(listener: (key: string | null, text: string | null, old: string | null) => void): void;
};

export type Shelf = ReturnType<typeof createShelf>;

/** What cannot be kept (no room, not allowed) is on the page all the same. */
export function createShelf({ keep, hear }: Store, prefix: string) {
  /** Full, forbidden or not there at all. */
  const attempt = <T>(work: (kept: ReturnType<Store["keep"]>) => T, otherwise: T): T => {
    try {
      return work(keep());
    } catch {
      return otherwise;
    }
  };

  const shelf = {
    get: (name: string) => attempt((kept) => kept.getItem(prefix + name) ?? "", ""),

    set: (name: string, text: string) =>
      attempt<void>(
        (kept) => (text ? kept.setItem(prefix + name, text) : kept.removeItem(prefix + name)),
        undefined,
      ),

    /** Behind what is there. */
    add: (name: string, text: string) => shelf.set(name, [shelf.get(name), text].filter(Boolean).join("\n")),

    names: (): string[] =>
      attempt<string[]>((kept) => {
        const keys = Array.from({ length: kept.length }, (_, i) => kept.key(i)!);
        return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
      }, []),

    /** What another tab puts there or, as an empty text, takes away. */
    hear(listener: (name: string, text: string, old: string) => void) {
      hear((key, text, old) => {
        if (key?.startsWith(prefix)) listener(key.slice(prefix.length), text ?? "", old ?? "");
      });
    },
  };
  return shelf;
}

export const localStore: Store = {
  keep: () => localStorage,
  hear: (listener) =>
    window.addEventListener("storage", ({ key, newValue, oldValue }) => listener(key, newValue, oldValue)),
};
