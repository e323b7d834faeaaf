/** For operators, and for those whom they help. */
export const admin = {
  title: "Operators’ page",
  proof:
    "What can be done here concerns others. Your password first, please; it is asked for every ten minutes.",
  goOn: "Go on",
  people: "People",
  search: "Names that begin with",
  nobody: "Nobody",
  operator: "operator",
  disabled: "disabled",
  by: (name: string) => (name === "command line" ? "by the command line" : `by ${name}`),
  devices: "Signed in",
  nowhere: "Signed in nowhere",
  end: "End",
  disable: "Disable",
  enable: "Enable",
  confirmDisable: (name: string) => `Sign ${name} out everywhere, and let them sign in no more?`,
  resetLink: "Link for a new password",
  linkMade: (name: string) =>
    `For ${name} alone, good once, for half an hour. It is shown this one time; the link that was made before is good no more:`,
  invitations: "Invitations",
  invitationsNote: "Registration is closed. Each link lets one person create an account, within a week.",
  invite: "Make an invitation",
  invitationMade: "For one person, within a week. It is shown this one time:",
  used: "used",
  over: "over",
  waiting: "not used yet",
  takeBack: "Take back",
  state: "This server",
  database: "Database",
  well: "takes writes",
  keys: "Signing keys",
  keyStates: { next: "next", active: "signs", retired: "verifies" },
  limits: "Limits",
  onOff: { on: "on", off: "off" },
  streams: "Open event streams",
  backup: "Last backup by itself",
  noBackup: "none",
  ago: (span: string) => `${span} ago`,
};

export const reset = {
  title: "New password",
  lead: (username: string) =>
    `For the account ${username}. Everything that is signed in to it is signed out.`,
  done: "Your password is changed. Sign in with the new one.",
};
