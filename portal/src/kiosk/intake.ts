/** Our own intake form, a Questionnaire of FHIR R4. Each question is of type text. */
export const intake = {
  resourceType: "Questionnaire",
  url: "urn:phylax:questionnaire:intake",
  version: "1",
  status: "active",
  title: "Before your visit",
  subjectType: ["Patient"],
  item: [
    { linkId: "reason", type: "text", required: true, text: "Why are you here today?" },
    { linkId: "since", type: "text", required: false, text: "When did it start?" },
    {
      linkId: "medicines",
      type: "text",
      required: false,
      text: "Which medicines do you take? Name what you buy without a doctor, too.",
    },
    {
      linkId: "allergies",
      type: "text",
      required: false,
      text: "Are you allergic to anything?",
    },
    {
      linkId: "else",
      type: "text",
      required: false,
      text: "Is there anything else you want us to know?",
    },
  ],
} as const;

export type Answers = Readonly<Record<string, string>>;

/** A QuestionnaireResponse of what was answered; questions without an answer are left out. */
export function responseOf(
  answers: Answers,
  about: { readonly patient: string; readonly visit: string; readonly authored: string },
): object {
  return {
    resourceType: "QuestionnaireResponse",
    questionnaire: `${intake.url}|${intake.version}`,
    status: "completed",
    subject: { reference: `Patient/${about.patient}` },
    encounter: { reference: `Encounter/${about.visit}` },
    authored: about.authored,
    item: intake.item.flatMap(({ linkId, text }) => {
      const answer = answers[linkId]?.trim() ?? "";
      return answer === "" ? [] : [{ linkId, text, answer: [{ valueString: answer }] }];
    }),
  };
}
