import { count } from "./count.ts";

/** By what one signs in beside the password, and being asked for it. */
export const factors = {
  title: "How you sign in",
  /** What there is, in one sentence. */
  state: ({ totp, passkeys, codes }: { totp: number; passkeys: number; codes: number }): string => {
    if (totp + passkeys === 0) return "Password alone. With a second step a stolen password opens nothing.";
    const second = [...(totp > 0 ? ["authenticator code"] : []), ...(passkeys > 0 ? ["passkey"] : [])].join(
      " or ",
    );
    const alone = passkeys > 0 ? "; or a passkey alone" : "";
    const left = codes === 0 ? "no recovery codes" : count(codes, "recovery code", "recovery codes");
    return `Password and ${second}${alone}; ${left} left.`;
  },
  noCodes: "Make new ones, for the day that you lose what you sign in with.",
  fewCodes: "Make new recovery codes before the last one is used.",
  note: "Adding or removing one signs you out everywhere else.",
  kinds: { totp: "Authenticator app", passkey: "Passkey" },
  synced: "on several devices",
  used: "used",
  unused: "not used yet",
  passkeyName: "Name of a new passkey",
  addAuthenticator: "Set up an authenticator app",
  addPasskey: "Add a passkey",
  remove: "Remove",
  removeNamed: (name: string) => `Remove ${name}`,
  confirmRemove: (name: string) =>
    `Remove “${name}”? You are signed out everywhere else, and it lets nobody in any more.`,
  makeCodes: "New recovery codes",
  confirmCodes: "Make ten new recovery codes? Those you have are good no more.",
  setup: {
    title: "Authenticator app",
    lead: "Scan this picture with your authenticator app, or type the key into it. Then type the code that the app shows.",
    picture: "A picture for your authenticator app",
    key: "Key",
    open: "Open in an app on this device",
    code: "Code",
    submit: "Switch on",
    cancel: "Not now",
  },
  codes: {
    title: "Recovery codes",
    lead: "Each of these lets you in once, should you lose what you sign in with. They are shown this one time: print this page or put them away safely, not beside your password.",
    goOn: "I have them",
  },
  second: {
    title: "One more step",
    lead: "Your password is right. Now the code that your authenticator app shows, or a recovery code.",
    leadWithPasskey: "Your password is right. Now your passkey, or a recovery code.",
    code: "Code",
    codeOnlyHint: "Six digits",
    codeHint: "Six digits, or one of your recovery codes",
    recoveryHint: "One of the codes that you put away, such as 4F7K-…",
    recoveryCode: "Recovery code",
    submit: "Sign in",
    again: "Begin again",
    lost: "Lost all of it?",
    lostNote: "Ask whoever runs this Duet: they can make a link that lets you in without it.",
  },
  proof: {
    title: "Is it still you?",
    lead: "What you are about to do is important. Confirm that it is you; this is asked again after ten minutes.",
    submit: "Go on",
    cancel: "Not now",
    confirmed: "It is you",
    goOn: "Nothing has been changed yet. Go on with what you were doing.",
  },
  passkey: {
    signIn: "Sign in with a passkey",
    use: "Use a passkey",
    needsScript: "Passkeys need JavaScript.",
    unsupported: "This browser cannot use passkeys.",
    failed: "No passkey was used. Try again, or another way.",
    held: "This device has a passkey for this account already.",
  },
};
