/** Words of the ways in that are not the everyday one: invitations, lost devices, new devices. */
export const invitationWords = {
  title: "Invitation",
  heading: (name: string) => `Invitation for ${name}`,
  once: "This is shown only now",
  onceText: "Print it or hand it over before you leave this page.",
  scan: "Scan this with a phone",
  qrLabel: "QR code with the link to sign up",
  orType: "Or type a code",
  goTo: (address: string) => `Go to ${address}`,
  typeCode: "Type this code and your date of birth:",
  birthDate: "Without the date of birth the code is of no use to anyone.",
  until: (when: string) => `Good until ${when}. It works once.`,
  care: "Give this page only to the person it is for. We will never ask you for the code by phone.",
  print: "Print this page",
  close: "Done",

  enter: {
    title: "Use your code",
    lead: "Type the code from the paper that your clinic gave you.",
    code: "Code",
    codeHelp: "Small or big letters, with or without dashes.",
    codeMissing: "Please type the code.",
    birthDate: "Your date of birth",
    birthDateMissing: "Please fill in your date of birth.",
    next: "Next",
    checking: "Checking…",
    refusedTitle: "That did not match",
    refusedText:
      "The code or the date of birth is wrong, or the code is too old. Check both. If it still fails, ask your clinic for a new one.",
  },
} as const;
