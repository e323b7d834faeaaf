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
  const shelf = {
    get: (name: string) => keep().getItem(prefix + name) ?? "",

    set(name: string, text: string) {
      try {
        if (text) keep().setItem(prefix + name, text);
        else keep().removeItem(prefix + name);
      } catch {
        // See above.
      }
    },

    /** Behind what is there. */
    add: (name: string, text: string) => shelf.set(name, [shelf.get(name), text].filter(Boolean).join("\n")),

    names(): string[] {
      const keys = Array.from({ length: keep().length }, (_, i) => keep().key(i)!);
      return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    },

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
