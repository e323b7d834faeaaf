/** What the tabs of a browser tell each other, whoever is signed in. */
export type TabMessage = {
  /** This person's page was opened, or they signed in over one. */
  viewer?: string;
  /** A tab has signed out, or is about to know that it could not. */
  signedOut?: true;
};

/** A channel of that name between the tabs of a browser: what one tells, all others hear. */
export function openChannel<Message>(name: string) {
  const channel = new BroadcastChannel(name);
  return {
    tell: (message: Message) => channel.postMessage(message),
    hear: (listener: (message: Message) => void) =>
      channel.addEventListener("message", ({ data }: MessageEvent<Message>) => listener(data)),
  };
}

export const tabs = openChannel<TabMessage>("duet");
