/** Words of the summary that a device keeps for a time without a connection. */
export const offlineWords = {
  title: "You are offline",
  none: "Phylax needs the internet to open your record. Nothing of your record is kept on this device.",
  again: "Try again",
  ready: (until: string) =>
    `Your summary is kept on this device, locked with your passkey. You can read it until ${until}.`,
  show: "Show my summary",
  showing: "Waiting for your passkey…",
  over: "Your summary was kept here, but its time has run out. It is deleted. Go online and sign in to get a new one.",
  blocked: "This browser does not let us look for your summary.",

  summary: {
    title: "My summary",
    of: (name: string) => `The record of ${name}`,
    born: (day: string) => `Born ${day}`,
    taken: (when: string) => `As it was on ${when}. It may have changed since.`,
    until: (when: string) => `You can read it here until ${when}.`,
    part: "Your record holds more than what is kept here.",
    hide: "Hide it",
    problems: "Health problems",
    medicines: "Medicines",
    allergies: "Allergies",
    immunisations: "Vaccines",
    results: "Newest results",
    nothing: "Nothing is recorded.",
  },

  keep: {
    title: "Keep my summary on this device",
    lead: "For times when you have no internet: what you have, what you take, your allergies, your vaccines, and your last results.",
    points: [
      "It is locked with your passkey.",
      "You can read it for 3 days. Each time you sign in here, the 3 days start anew.",
      "It is deleted here when you sign out, or say that the device is lost.",
    ],
    caution: "Do this only on a device that is yours alone.",
    on: "Keep it here",
    busy: "Waiting for your passkey…",
    kept: (until: string) => `Your summary is kept here. You can read it until ${until}.`,
    ranOut:
      "The time of your summary here has run out. You get a new one the next time you sign in.",
    off: "Delete it here",
    offTitle: "Delete your summary here?",
    offText: "You can then not read it on this device without the internet.",
    gone: "Your summary is deleted here.",
    elsewhere: "Kept on your other devices",
    elsewhereLoading: "your other devices",
    since: (day: string) => `Kept since ${day}`,
    renewed: (when: string) => `Last renewed ${when}`,
    until: (when: string) => `Can be read there until ${when}`,
    ended: (when: string) => `Its time ran out ${when}`,
    endThere: "Delete it there",
    endThereThis: (day: string) => `Delete it there: kept since ${day}`,
    endThereTitle: "Delete it there?",
    endThereText:
      "It is deleted there as soon as that device goes online. Until then, only your passkey opens it.",
    loading: "your settings",
  },

  failures: {
    "offline-no-lock": {
      title: "Your passkey can not lock a copy",
      text: "Nothing was kept. Add a new passkey on this device under Sign-in, then try again with that one.",
    },
    "offline-other-passkey": {
      title: "That passkey is not of this account",
      text: "Nothing was kept. Try again, and pick the passkey that you sign in with here.",
    },
    "offline-run-out": {
      title: "Its time has run out",
      text: "Your summary was deleted here. Go online and sign in to get a new one.",
    },
    "offline-damaged": {
      title: "Your summary does not open",
      text: "It may be damaged. Go online and sign in to get a new one.",
    },
  },
} as const;
