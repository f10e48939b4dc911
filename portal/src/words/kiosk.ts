/** Words of the clinic's tablet. */
export const kioskWords = {
  code: {
    title: "Welcome",
    lead: "Type the code that our staff gave you, or that you see on your phone.",
    label: "Your code",
    missing: "Type the code first.",
    next: "Start",
    busy: "Checking the code",
    setUp: "Staff: set up this tablet",
  },
  setUp: {
    title: "Set up this tablet",
    lead: "Type the code that the administrator made for it.",
    label: "Set-up code",
    next: "Set up",
    back: "Back",
  },
  refused: "This code does not work. Check it, or ask our staff for a new one.",
  notSetUp: "This tablet is not set up yet. Please ask our staff.",
  failed: "This did not work. Please try again, or ask our staff.",
  form: {
    title: "Before your visit",
    lead: "You have 30 minutes. Nobody sees your answers here after you send them.",
    missing: "Please answer this question.",
    send: "Send",
    busy: "Sending",
    stop: "Stop and erase",
  },
  idle: {
    title: "Are you still there?",
    left: (seconds: number) => `We erase your answers in ${seconds} seconds.`,
    stay: "I need more time",
  },
  thanks: {
    title: "Thank you",
    lead: "We have your answers. This tablet keeps nothing of them. Please take a seat.",
    done: "Done",
  },
} as const;
