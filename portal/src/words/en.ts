/**
 * Every word that a person reads, in American English at a reading level of grade 6 to 8.
 * A word that needs a number or a name is a function.
 */
export const words = {
  language: "en",
  product: "Phylax",
  skip: "Skip to the main part",
  menu: "Main menu",
  titleOf: (page: string) => `${page} · Phylax`,
  loading: (what: string) => `Getting ${what}…`,
  opening: "Opening your record…",
  leaving: "One moment, we are checking that it is you…",
  newTab: "(opens in a new tab)",
  tryAgain: "Try again",
  showMore: "Show more",
  notRecorded: "Not recorded",
  today: "Today",
  yesterday: "Yesterday",

  nav: {
    home: "Home",
    record: "My record",
    access: "Who looked",
    patients: "Patients",
    signOut: "Sign out",
    signedInAs: (name: string) => `Signed in as ${name}`,
    recordOf: "Whose record",
  },

  landing: {
    title: "Welcome",
    headline: "Your health record, safe and in plain sight",
    lead: "See your test results, medicines, and visits. See who else has looked at them.",
    signIn: "Sign in",
    signedOut: "You are signed out. Nothing is left on this screen.",
    newHere: "New here?",
    newHereHelp: "Ask the front desk at your clinic for a sign-up link. It works once.",
    points: [
      {
        title: "Locked with your own key",
        text: "Each person’s record has a lock and a key of its own. A stolen disk shows nothing.",
      },
      {
        title: "You see who looked",
        text: "Every look at your record is written down before it is shown. The list is yours to read.",
      },
      {
        title: "No password to steal",
        text: "Sign in with your face, your finger, or your screen lock. We never see them.",
      },
    ],
    now: "What you can do today",
    nowText:
      "In this version you can read your record and see who looked at it. You can not yet send messages or book visits here. For these, call your clinic.",
    emergency: "In an emergency, call 911. Do not use this site.",
  },

  signIn: {
    title: "Sign in",
    headline: "Sign in",
    lead: "Use the passkey on this device: your face, your finger, or your screen lock.",
    passkey: "Sign in with a passkey",
    passkeyBusy: "Waiting for your device…",
    usePassword: "Use a password instead",
    usePasskey: "Use a passkey instead",
    login: "User name",
    password: "Password",
    next: "Next",
    passwordLead: "After this we ask for a code from your code app.",
    checking: "Checking…",
    codeTitle: "Enter your code",
    codeLead: "Open your code app and type the 6 digits it shows for Phylax.",
    code: "6-digit code",
    codeWrongForm: "The code has 6 digits, like 123 456.",
    required: (what: string) => `Please fill in: ${what}.`,
    done: "That worked. Opening your record…",
    help: "Trouble signing in? Call your clinic. They can send you a new sign-up link.",
    again: "Start again",
    otherApp: (name: string) => `${name} asks you to sign in.`,
  },

  enrol: {
    title: "Set up your sign-in",
    waiting: "your sign-up link",
    headline: (name: string) => `Hello, ${name}`,
    lead: "Let’s set up a passkey. It lets you sign in with your face, your finger, or your screen lock. There is no password to remember.",
    name: "Name for this passkey",
    nameHelp: "So that you can tell your devices apart. For example: my phone.",
    guess: { phone: "My phone", tablet: "My tablet", computer: "My computer" },
    create: "Set up my passkey",
    busy: "Waiting for your device…",
    doneTitle: "You are all set",
    doneLead: "Your passkey is ready. Next time, sign in with it.",
    signIn: "Sign in now",
    noLinkTitle: "This page needs your sign-up link",
    noLinkText:
      "Open the whole link that your clinic gave you. If you loaded this page again, open the link once more.",
    linkUsedTitle: "This link no longer works",
    linkUsedText:
      "A sign-up link works once and for a short time. If you have set up your passkey, you can sign in. If not, ask your clinic for a new link.",
  },

  callback: {
    title: "Signing you in",
    signIn: "Sign in",
  },

  closed: {
    title: "Signed out",
    none: {
      title: "Please sign in",
      text: "You need to sign in to see this page.",
    },
    ended: {
      title: "Your session has ended",
      text: "We signed you out to keep your record safe. Sign in and you will come back to this page.",
    },
    idle: {
      title: "You were away for a while",
      text: "We signed you out so that nobody else can read your record here. Sign in and you will come back to this page.",
    },
    "signed-out": {
      title: "You are signed out",
      text: "Nothing is left on this screen.",
    },
    signIn: "Sign in",
    notTold:
      "We could not reach the clinic to end your session there. It will end by itself soon. If this is not your own device, close the browser now.",
  },

  idle: {
    title: "Are you still there?",
    text: (left: string) => `To keep your record safe, we will sign you out in ${left}.`,
    lastText: (left: string) => `Your session ends in ${left}. After that, sign in again to go on.`,
    left: (seconds: number) =>
      seconds >= 60
        ? seconds < 120
          ? "1 minute"
          : `${Math.floor(seconds / 60)} minutes`
        : seconds === 1
          ? "1 second"
          : `${seconds} seconds`,
    stay: "Stay signed in",
    signOut: "Sign out now",
    understood: "OK",
  },

  home: {
    title: "Home",
    greeting: (name: string, part: "morning" | "afternoon" | "evening") => `Good ${part}, ${name}`,
    news: "What is new",
    newsEmpty: "Nothing new has been added yet.",
    newsAll: "Open my record",
    newsLoading: "your latest entries",
    newKinds: { result: "Test result", visit: "Visit", document: "Document" },
    sections: "Your record",
    lastLook: "Who looked last",
    lastLookEmpty: "No one has looked at your record yet.",
    lastLookAll: "See everyone who looked",
    noRecordTitle: "No record is linked to you yet",
    noRecordText: "Ask your clinic to link your record to this account.",
  },

  guard: {
    title: "Home",
    lead: "You guard the records of this clinic. You can not read them here.",
    nowTitle: "What you can do now",
    checkpointTitle: "The log and its seal",
    checkpointLead:
      "Every look at a record is one entry in a log that can only grow. The seal below covers all entries up to now. If one entry is changed or taken out, the seal no longer fits.",
    checkpointLoading: "the seal of the log",
    size: "Entries in the log",
    root: "Fingerprint of all entries",
    origin: "Name of the log",
    signers: "Sealed by",
    note: "The signed note, word for word",
    save: "Save this seal",
    saveHelp:
      "Keep it in a safe place away from this server. A later log that does not hold these entries is proof that someone tampered.",
    unreadable:
      "The seal came in a form that this page can not read. It is shown below as it came.",
    verifyTitle: "How to check the log",
    verifySteps: [
      "Open a terminal on the server.",
      "Run the command below. Name the file of a seal that you saved before.",
      "It reads every entry and works out the fingerprint anew. Then it compares that with each seal. It names each entry that does not fit.",
    ],
    verifyCommand: "phylax audit verify --checkpoint checkpoint.txt",
    notYetTitle: "What is not in this version",
    notYet: [
      "Opening and working on incidents.",
      "Asking who saw which records on a page like this one.",
      "Devices, sharing, and agreements with other firms.",
    ],
  },

  sections: {
    summary: { name: "Overview", about: "Everything in one place." },
    problems: { name: "Health problems", about: "Conditions now and in the past." },
    medicines: { name: "Medicines", about: "What you take, and how." },
    allergies: { name: "Allergies", about: "What your body reacts to." },
    immunisations: { name: "Vaccines", about: "The shots you have had." },
    results: { name: "Test results", about: "Lab tests and measurements." },
    visits: { name: "Visits", about: "When you were seen, and by whom." },
    documents: { name: "Documents", about: "Notes and letters." },
  },

  record: {
    title: "My record",
    sectionsLabel: "Parts of the record",
    born: (date: string) => `Born ${date}`,
    deceased: "Deceased",
    number: (number: string) => `Record number ${number}`,
    print: "Print",
    more: "There is more. The newest entries are shown first.",
    showMore: "Show older entries",
    allShown: (count: number) => (count === 1 ? "1 entry" : `${count} entries`),
    active: "Now",
    past: "In the past",
    since: (date: string) => `Since ${date}`,
    sinceUntil: (from: string, until: string) => `${from} to ${until}`,
    until: (date: string) => `Until ${date}`,
    unknownSection: {
      title: "There is no such part",
      text: "Pick one of the parts of the record.",
    },
    problems: {
      empty: "No health problems are recorded.",
      emptyActive: "No health problems right now.",
    },
    medicines: {
      empty: "No medicines are recorded.",
      emptyActive: "No medicines to take right now.",
      directions: "How to take it",
      reason: "What it is for",
      prescriber: "Ordered by",
      ordered: (date: string) => `Ordered ${date}`,
      caution: "Do not stop or change a medicine without asking your care team.",
    },
    allergies: {
      empty: "No allergies are recorded. If you have one, tell your care team.",
      emptyActive: "No allergies right now.",
      severe: "Can be serious",
      reactions: "What can happen",
    },
    immunisations: {
      empty: "No vaccines are recorded.",
      notGiven: "Not given",
      dose: (dose: string) => `Dose ${dose}`,
      lot: (lot: string) => `Lot ${lot}`,
    },
    results: {
      empty: "No lab tests are recorded.",
      emptyVital: "No measurements are recorded.",
      none: "No test has a name like that.",
      find: "Find a test",
      findHelp: "Type part of its name.",
      lab: "Lab tests",
      vital: "Measurements",
      outOfRangeFirst: "Tests outside the usual range are shown first.",
      notFinal: "Not final yet",
      latest: (date: string) => `Latest: ${date}`,
      times: (count: number) => (count === 1 ? "Measured once" : `Measured ${count} times`),
      details: "Details",
      over: (name: string) => `${name} over time`,
      chartLabel: (name: string, count: number, first: string, last: string) =>
        `Chart of ${name}: ${count} values from ${first} to ${last}. The table below has the same values.`,
      chartLoading: "the chart",
      tableCaption: (name: string) => `All values of ${name}, newest first`,
      date: "Date",
      value: "Value",
      standing: "What it means",
      allValues: (count: number) => `Show all ${count} values`,
      usual: (range: string) => `Usual: ${range}`,
      usualBand: "Usual range",
      chartUnit: (unit: string) => `In ${unit}`,
      rangeBetween: (low: string, high: string) => `${low} to ${high}`,
      rangeFrom: (low: string) => `${low} or more`,
      rangeTo: (high: string) => `${high} or less`,
      performer: (name: string) => `Done by ${name}`,
      meaning:
        "“In range” means most healthy people have a value like this. A value outside can still be fine for you. Ask your care team what it means.",
      standings: {
        "in-range": "In range",
        high: "High",
        low: "Low",
        "very-high": "Very high",
        "very-low": "Very low",
        unusual: "Not usual",
        unknown: "No usual range given",
      },
    },
    visits: {
      empty: "No visits are recorded.",
      unnamed: "Visit",
      with: (people: string) => `With ${people}`,
      at: (place: string) => `At ${place}`,
      reason: (reasons: string) => `Why: ${reasons}`,
      states: { planned: "Planned", "in-progress": "Going on now", cancelled: "Cancelled" },
    },
    documents: {
      empty: "No documents are recorded.",
      by: (author: string) => `By ${author}`,
      read: "Read",
      close: "Close",
      save: "Save to this device",
      saveHelp: "Anyone who uses this device may open a saved file.",
      cannot: "This kind of document can not be shown here. Ask your clinic for a copy.",
      broken: "This document is damaged and can not be shown. Please tell your clinic.",
      loading: "the document",
    },
  },

  access: {
    title: "Who has looked at my record",
    lead: "Each time someone opens your record, it is written down here first. This list shows your own visits too.",
    empty: "No one has looked at your record yet.",
    loading: "the list",
    older: "Show earlier days",
    end: "This is the start of the list.",
    you: "You",
    roles: {
      patient: "patient",
      proxy: "acts for you",
      clinician: "clinic staff",
      "privacy-officer": "privacy officer",
      "security-operator": "security",
      administrator: "administrator",
      service: "computer program",
      operator: "operator of the system",
    },
    deeds: {
      looked: (kinds: string) => `Looked at ${kinds}`,
      changed: (kinds: string) => `Added or changed ${kinds}`,
      imported: (kinds: string) => `Brought in ${kinds}`,
      exported: (kinds: string) => `Took a copy of ${kinds}`,
      "read-log": () => "Read this list",
      other: () => "Used your record",
    },
    /** What someone tried to do and was stopped. */
    tries: {
      looked: (kinds: string) => `Tried to look at ${kinds}`,
      changed: (kinds: string) => `Tried to change ${kinds}`,
      imported: (kinds: string) => `Tried to bring in ${kinds}`,
      exported: (kinds: string) => `Tried to take a copy of ${kinds}`,
      "read-log": () => "Tried to read this list",
      other: () => "Tried to use your record",
    },
    nothingNamed: "your record",
    times: (count: number) => `${count} times`,
    between: (from: string, to: string) => `${from} to ${to}`,
    denied: "Stopped",
    deniedText: "This person had no right to see it. Nothing was shown.",
    deniedYou: "This was not allowed, so nothing was shown.",
    failed: "Failed",
    failedText: "Something went wrong. Nothing was shown.",
    purposes: {
      TREAT: "for your care",
      HPAYMT: "for payment",
      HOPERAT: "to run the clinic",
      PATRQT: "because you asked",
      PUBHLTH: "for public health",
      HRESCH: "for research",
      BTG: "in an emergency",
      SYSADMIN: "to run the system",
    },
    proof: "Proof",
    proofLead: "Where this stands in the log:",
    proofPlace: (index: string, origin: string) => `entry ${index} of ${origin}`,
    question: "Does something look wrong?",
    questionText:
      "Call your clinic and ask for the privacy officer. Tell them the day and the name.",
    explain: "What does “Stopped” mean?",
    explainText:
      "Someone tried to open a part of your record and had no right to. The system said no. It wrote that down so that you can see it.",
  },

  /** Kinds of data, by FHIR resource type or sensitivity label. */
  kinds: {
    Patient: "name and contact details",
    Condition: "health problems",
    Observation: "test results",
    DiagnosticReport: "test reports",
    MedicationRequest: "medicines",
    MedicationStatement: "medicines",
    MedicationAdministration: "medicines",
    AllergyIntolerance: "allergies",
    Immunization: "vaccines",
    Encounter: "visits",
    Appointment: "appointments",
    Procedure: "procedures",
    DocumentReference: "documents",
    Binary: "documents",
    CarePlan: "care plans",
    CareTeam: "care team",
    Goal: "goals",
    Coverage: "insurance",
    Claim: "bills",
    ExplanationOfBenefit: "bills",
    Communication: "messages",
    QuestionnaireResponse: "forms",
    Consent: "consents",
    ServiceRequest: "orders",
    RelatedPerson: "family and contacts",
    FamilyMemberHistory: "family history",
    Device: "devices",
    Provenance: "who entered it",
    Bundle: "several parts at once",
  },
  kindOther: "other parts",
  joinList: (items: readonly string[]) =>
    new Intl.ListFormat("en", { type: "conjunction" }).format(items),

  patients: {
    title: "Patients",
    lead: "People in your care.",
    find: "Find a patient",
    findHelp: "Name, record number, or date of birth.",
    empty: "No patients are in your care.",
    none: (typed: string) => `No patient matches “${typed}”.`,
    count: (count: number) => (count === 1 ? "1 patient" : `${count} patients`),
    loading: "your patients",
    back: "All patients",
    watched: "Each record you open is written down, and the patient can see it.",
  },

  notFound: {
    title: "Page not found",
    text: "There is no page at this address. It may have moved.",
    home: "Go to the start",
  },

  crashed: {
    title: "This page has a problem",
    text: "Your record is safe. Load the page again. If it keeps happening, tell your clinic.",
    reload: "Load again",
  },

  offlineBanner: "You are offline. What you see may be old.",

  /** What went wrong and what to do next, by kind or by the server's problem code. */
  failures: {
    offline: {
      title: "We can not reach the clinic",
      text: "Check your internet connection, then try again.",
    },
    "signed-out": {
      title: "Your session has ended",
      text: "Please sign in again.",
    },
    unexpected: {
      title: "Something went wrong on our side",
      text: "It is not your fault. Try again in a few minutes. If it keeps happening, call your clinic.",
    },
    forbidden: {
      title: "You can not see this",
      text: "This part is not open to you. If you think it should be, ask your clinic.",
    },
    "not-found": {
      title: "There is nothing here",
      text: "It may have been moved or removed.",
    },
    gone: { title: "This was removed", text: "It is no longer part of the record." },
    "rate-limited": {
      title: "Too many tries",
      text: "Please wait a minute, then try again.",
    },
    unavailable: {
      title: "A part of the system is not answering",
      text: "Nothing was shown or changed. Please try again in a few minutes.",
    },
    "record-damaged": {
      title: "A part of the record does not open",
      text: "It may have been changed from outside. Please call your clinic and tell them.",
    },
    "sign-in-stopped": {
      title: "You stopped the sign-in",
      text: "Nothing has happened. Start again when you are ready.",
    },
    "sign-in-broken": {
      title: "The sign-in did not finish",
      text: "It took too long, or it was started in another tab. Please start again.",
    },
    "sign-in-expired": {
      title: "This sign-in is over",
      text: "It took too long, or there were too many tries. Please start again.",
    },
    "no-browser-storage": {
      title: "Your browser does not let us sign you in",
      text: "It keeps no data for this site. Leave private mode or use another browser.",
    },
    "clock-wrong": {
      title: "Your device shows the wrong time",
      text: "Set its clock to the right time and try again.",
    },
    "sign-in-failed": {
      title: "That did not match",
      text: "The user name, the password, or the code was wrong. Type all three again. Codes change every 30 seconds.",
    },
    "parameter-invalid": {
      title: "That did not match",
      text: "Check what you typed and try again.",
    },
    "passkey-refused": {
      title: "We do not know this passkey",
      text: "Try another passkey, or use a password instead.",
    },
    "passkey-cancelled": {
      title: "The passkey was not used",
      text: "You closed the window or it timed out. Try again, or use a password instead.",
    },
    "passkey-unsupported": {
      title: "This browser has no passkeys",
      text: "Use a password instead, or try a newer browser.",
    },
    "passkey-exists": {
      title: "This device has a passkey already",
      text: "You can sign in with it right away.",
    },
    "passkey-not-made": {
      title: "The passkey was not set up",
      text: "You closed the window or it timed out. Please try again.",
    },
  },
} as const;
