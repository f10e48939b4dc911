/** The guardian: a shield that holds the letter phi. Decorative; its neighbour text names the product. */
export function Mark({ size = 32 }: { readonly size?: number }) {
  return (
    <svg className="mark" height={size} viewBox="5 1 38 46" aria-hidden="true">
      <path
        className="mark-shield"
        d="M24 2.5c5.8 4 11.7 5.9 18 6.2v13.8c0 11-7.1 18.7-18 23-10.9-4.3-18-12-18-23V8.7c6.3-.3 12.2-2.2 18-6.2z"
      />
      <g className="mark-phi">
        <circle cx="24" cy="23" r="7.5" />
        <path d="M24 11.5v23" />
      </g>
    </svg>
  );
}
