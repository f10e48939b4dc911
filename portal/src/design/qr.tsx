import { encodeQR } from "qr";

/** ISO/IEC 18004 §5.3.8: four modules of quiet on each side, or readers do not find it. */
const quiet = 4;

/** A text as a QR code, always dark on white, as readers want it. `label` says what it leads to. */
export function Qr({ text, label }: { readonly text: string; readonly label: string }) {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: quiet });
  const path = rows
    .flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : [])))
    .join("");
  return (
    <svg className="qr" viewBox={`0 0 ${rows.length} ${rows.length}`} role="img" aria-label={label}>
      <path d={path} />
    </svg>
  );
}
