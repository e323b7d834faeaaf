/** Email: each is a subject, sentences before the link, the link's name, and sentences after it. */
export const letters = {
  hello: (username: string) => `Hello ${username},`,
  helloStranger: "Hello,",
  /** Whose letter it is, at the end of each. */
  end: (host: string) => `Duet, ${host}. This was sent by itself: nobody reads answers.`,
  reset: {
    subject: (host: string) => `A new password at ${host}`,
    before: ["Somebody, you we hope, has asked for a way to set a new password for this account."],
    link: "Set a new password",
    after: [
      "The link is good once, for half an hour. Setting a new password signs you out everywhere; a second step is still asked for.",
      "Was it not you? Then nothing needs to be done: without the link nothing changes.",
    ],
  },
  verify: {
    subject: (host: string) => `Confirm your address at ${host}`,
    before: [
      "Somebody, you we hope, has given this address for their account. Until it is confirmed it is good for nothing: no signing in, no new password.",
    ],
    link: "Confirm this address",
    after: [
      "Open the link in a browser where you are signed in to that account, within a day.",
      "Is the account not yours? Then do not open it, and nothing happens.",
    ],
  },
  email_changed: {
    subject: (host: string) => `Your address at ${host} was changed`,
    before: (email: string | null) => [
      email === null
        ? "The account has no address any more, and letters about it no longer come here."
        : `From now on letters about this account go to ${email}, and no longer here.`,
    ],
    link: "Take that back",
    after: [
      "Was it not you? The link gives the account this address again and signs everybody out, for 72 hours; then set a new password.",
    ],
  },
  notice: {
    subject: (event: string, host: string) => `${event}: your account at ${host}`,
    /** Without a name, of the event; where and when. */
    before: (event: string, where: string, at: string) => [`${event}. ${where} ${at}`.trim()],
    newDevice: "Sign-in from a new device or network",
    where: (device: string, ip: string) => `From ${device}, ${ip}.`,
    unknownDevice: "an unknown device",
    link: "See what has happened",
    after: ["Was it not you? Set a new password, which signs everybody out."],
    afterFactor: [
      "Was it not you? Remove it on your account page, under “How you sign in”, and set a new password: that signs everybody out.",
    ],
  },
};
