/** Outlines on a 24 grid. All are decorative: words stand beside them. */
const outlines = {
  home: "M4 11.5 12 4l8 7.5M6 10v9.5h4.5V14h3v5.5H18V10",
  record: "M7 3.5h7l4 4V20.5H7zM14 3.5v4h4M10 12h5M10 16h5",
  eye: "M2.5 12s3.5-6.5 9.5-6.5S21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  people:
    "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.5-3.5 3-5.5 6.5-5.5s6 2 6.5 5.5M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.4c2 .7 3.2 2.4 3.5 5.1",
  person: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.6-4 3.5-6 7.5-6s6.9 2 7.5 6",
  device: "M7.5 2.5h9a1 1 0 0 1 1 1v17a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-17a1 1 0 0 1 1-1zM11 18.5h2",
  apps: "M4.5 4.5h6v6h-6zM13.5 4.5h6v6h-6zM4.5 13.5h6v6h-6zM16.5 13.5v6M13.5 16.5h6",
  words: "M4 5.5h16v11h-8l-4.5 4v-4H4zM8 9.5h8M8 12.5h5",
  add: "M12 5v14M5 12h14",
  leave: "M14 4.5H6v15h8M10.5 12h10M17 8.5l3.5 3.5-3.5 3.5",
  problems: "M3.5 12h4l2.5-6 4 12 2.5-6h4",
  medicines: "M5.2 13.2l8-8a3.96 3.96 0 0 1 5.6 5.6l-8 8a3.96 3.96 0 0 1-5.6-5.6zM9.2 9.2l5.6 5.6",
  allergies: "M12 3.5 21.5 20h-19zM12 10v4.5M12 17.2v.1",
  immunisations: "M14.5 4.5l5 5M17 7l-9 9-3.5 1L5.5 13.5l9-9M10 9l3 3M4.5 19.5 6.5 17.5",
  results: "M9 3.5h6M10.5 3.5v6L5 19a1 1 0 0 0 .9 1.5h12.2A1 1 0 0 0 19 19l-5.5-9.5v-6M8 15h8",
  visits: "M5 6h14v14H5zM5 10h14M9 3.5V7M15 3.5V7M9 14h2.5",
  documents: "M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 12h6M9 15.5h6",
  summary: "M4.5 4.5h6v6h-6zM13.5 4.5h6v6h-6zM4.5 13.5h6v6h-6zM13.5 13.5h6v6h-6z",
  key: "M14.5 13.5a5 5 0 1 0-4-4L3.5 16.5v4h4v-2.5H10V15.5l.9-.9M16.2 7.8v.1",
  lock: "M6 10.5h12v9.5H6zM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5M12 14.2v2.3",
  check: "M5 12.5l4.5 4.5L19 7.5",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  next: "M9 5.5l6.5 6.5L9 18.5",
  back: "M15 5.5 8.5 12l6.5 6.5",
  open: "M6 9.5l6 6 6-6",
  warning: "M12 3.5 21.5 20h-19zM12 10v4.5M12 17.2v.1",
  stop: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.7 5.7l12.6 12.6",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.5M12 7.5v.1",
  print: "M7 9V3.5h10V9M7 17H4V9h16v8h-3M7 14h10v6.5H7z",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5l5 5",
  close: "M6 6l12 12M18 6 6 18",
  offline:
    "M4 4l16 16M2.5 9.5A14 14 0 0 1 7 6.7M11 5.3A14 14 0 0 1 21.5 9.5M6 13a9 9 0 0 1 4-2.3M15 11.2a9 9 0 0 1 3 1.8M9.5 16.5a4 4 0 0 1 5 0M12 19.8v.1",
} as const;

export type IconName = keyof typeof outlines;

export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={outlines[name]} />
    </svg>
  );
}
