/** Where there is a mail server: asking for letters, and where their links lead. */
export const emails = {
  forgot: {
    title: "Forgotten your password?",
    lead: "If there is such an account and its email address is confirmed, a letter goes there with a link to set a new password.",
    submit: "Send the letter",
    sent: "If there is such an account and its address is confirmed, a letter is on its way. It may take some minutes; look in the spam folder, too.",
  },
  byLetter: "Have a letter sent that lets you choose a new one",
  confirm: {
    title: "Is this your address?",
    lead: (email: string) =>
      `${email} becomes the address of this account: to sign in with, and for letters about it.`,
    submit: "Confirm the address",
  },
  undo: {
    title: "Take a change of address back",
    lead: (email: string) =>
      `The account gets ${email} again, and everything that is signed in to it is signed out. Then set a new password.`,
    submit: "Take it back",
    done: "The address is as it was, and everybody is signed out. Now set a new password:",
  },
  waiting: (email: string) =>
    `${email} waits to be confirmed: open the link in the letter that was sent there.`,
  giveUp: "Give it up",
  signInFirst: "Sign in to the account whose address you want to confirm.",
  sendAgain: "Send the letter again",
};
