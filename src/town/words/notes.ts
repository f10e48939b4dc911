/** Sentences of visit notes. `{}` takes a value. Plain prose of our own, as clinicians dictate it. */
export const noteWords = {
  feelingWell: [
    "Feels well and has no new complaint.",
    "Has been well since the last visit.",
    "Comes without a complaint of note.",
    "Sleeps and eats well.",
  ],
  home: [
    "Home is calm.",
    "Work has been busy but bearable.",
    "Lives with family, who help when needed.",
    "Walks to the shops and back most days.",
    "Gardens when the weather lets it.",
  ],
  child: [
    "Plays, eats and sleeps as expected for the age.",
    "Growth follows its own line on the chart.",
    "Parent has no worry about hearing, sight or speech.",
    "Goes to bed on time on school nights.",
  ],
  exam: [
    "Looks well. Heart regular, lungs clear, abdomen soft.",
    "Alert and comfortable. No murmur, no wheeze, no swelling of the legs.",
    "Examination without a finding of concern.",
  ],
  prenatal: [
    "Feels the baby move.",
    "Is less sick in the mornings.",
    "No bleeding, no pain, no headache.",
  ],
  birth: ["Mother and child are well.", "Labor began at night and went on without trouble."],
  closing: [
    "Understands the plan and repeats it back.",
    "Questions were answered. Will call if anything gets worse.",
    "Agrees with the plan and will write through the portal.",
  ],
} as const;
