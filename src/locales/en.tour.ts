/** The tour of the lab: each step's name, what to do before each of its acts, and what was to be seen. The last one is free play. */
export const tour = {
  name: "Tour",
  back: "Back",
  next: "Next",
  wait: "Wait {}.",
  steps: [
    [
      "Renew",
      ["Press “Refresh now”: your browser trades its refresh token for the next pair, one generation up."],
      "A new row: generation 2. The old refresh token does not die when the new one is issued, but when it is first used (the dot), and a moment later for whoever was under way (the pale bar).",
    ],
    [
      "Lose a response",
      [
        "Press “Lose the response”: the server makes the next pair, and its response never arrives.",
        "Your browser still holds the old token. Press “Refresh now”.",
      ],
      "The same pair again: you stay signed in, as if nothing had been lost. The lane below shows what strict rotation does: it takes you for a thief and signs you out.",
    ],
    [
      "Five tabs",
      ["Press “Refresh in five tabs”: five requests send the same token at once."],
      "Five responses, one pair: whichever tab is first, all of them go on with the same. Strict rotation takes the second tab for a thief.",
    ],
    [
      "A thief, too late",
      [
        "Press “Steal the refresh token”: a thief copies it.",
        "You go on as always. Press “Refresh now”.",
        "Once the pale bar has ended, press “Use the stolen copy”.",
      ],
      "Caught. A token came back although its successor was in use: two parties hold this session, so it ends for both, and only you can sign in again. Without rotation, in the last lane, nobody notices the thief.",
    ],
    [
      "A thief, in time",
      [
        "Press “Steal the refresh token” again.",
        "This time the thief is faster. Press “Use the stolen copy” before you refresh.",
        "The thief has the newest pair and uses it. Once the pale bar has ended, press “Refresh now”.",
      ],
      "Caught again, this time by your own refresh: whoever comes second gives the theft away. Nothing tells the server who was first, so the session ends for both.",
    ],
    [
      "Free play",
      [] as string[],
      "All of it is yours now, in any order. What happened last stands below the picture, with the row of the rule that decided.",
    ],
  ] as [name: string, does: string[], moral: string][],
};
