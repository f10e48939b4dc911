/**
 * Brings the pages that a sign-in most often leads to while the person finds her passkey, so that
 * they need not come when she waits. What does not come now comes when it is opened.
 */
export function bringPagesAhead(): void {
  const pages = [
    import("../pages/home.tsx"),
    import("../pages/record/layout.tsx"),
    import("../pages/record/section.tsx"),
  ];
  void Promise.allSettled(pages);
}
