import type { RouteObject } from "react-router";
import { Waiting } from "../design/parts.tsx";
import { Callback } from "../pages/callback.tsx";
import { Landing } from "../pages/landing.tsx";
import { words } from "../words/en.ts";
import { Frame } from "./frame.tsx";
import { Crashed, NotFound } from "./other-pages.tsx";
import { SignedInArea } from "./signed-in.tsx";

/** Every page; the gateway's route table must name each path. Pages come when they are first opened. */
export const routes: RouteObject[] = [
  {
    errorElement: <Crashed />,
    hydrateFallbackElement: <Fallback />,
    children: [
      { path: "/", element: <Landing /> },
      { path: "/sign-in/:uid", lazy: () => import("../pages/sign-in.tsx") },
      { path: "/enrol", lazy: () => import("../pages/enrol.tsx") },
      { path: "/invitation", lazy: () => import("../pages/invitation.tsx") },
      { path: "/kiosk", lazy: () => import("../pages/kiosk.tsx") },
      { path: "/recovery", lazy: () => import("../pages/recovery.tsx") },
      { path: "/consent/:uid", lazy: () => import("../pages/consent.tsx") },
      { path: "/callback", element: <Callback /> },
      {
        element: <SignedInArea />,
        children: [
          { path: "/home", lazy: () => import("../pages/home.tsx") },
          { path: "/access", lazy: () => import("../pages/access.tsx") },
          { path: "/download", lazy: () => import("../pages/download.tsx") },
          { path: "/requests", lazy: () => import("../pages/requests.tsx") },
          { path: "/duplicates", lazy: () => import("../pages/duplicates.tsx") },
          { path: "/emergencies", lazy: () => import("../pages/emergencies.tsx") },
          { path: "/register", lazy: () => import("../pages/register.tsx") },
          {
            path: "/account",
            lazy: () => import("../pages/account/layout.tsx"),
            children: accountParts(),
          },
          {
            path: "/administration",
            lazy: () => import("../pages/administration/layout.tsx"),
            children: administrationParts(),
          },
          { path: "/patients", lazy: () => import("../pages/patients.tsx") },
          {
            path: "/record",
            lazy: async () => ({ Component: (await recordPages()).OwnRecord }),
            children: recordParts(),
          },
          {
            path: "/patients/:id",
            lazy: async () => ({ Component: (await recordPages()).PatientRecord }),
            children: recordParts(),
          },
        ],
      },
      { path: "*", element: <NotFound /> },
    ],
  },
];

function recordPages() {
  return import("../pages/record/layout.tsx");
}

function accountParts(): RouteObject[] {
  return [
    { index: true, lazy: () => import("../pages/account/sign-in.tsx") },
    { path: "devices", lazy: () => import("../pages/account/devices.tsx") },
    { path: "apps", lazy: () => import("../pages/account/apps.tsx") },
    { path: "people", lazy: () => import("../pages/account/people.tsx") },
    { path: "language", lazy: () => import("../pages/account/language.tsx") },
  ];
}

function administrationParts(): RouteObject[] {
  return [
    { index: true, lazy: () => import("../pages/administration/people.tsx") },
    { path: "people/:id", lazy: () => import("../pages/administration/person.tsx") },
    { path: "apps", lazy: () => import("../pages/administration/apps.tsx") },
  ];
}

function recordParts(): RouteObject[] {
  return [
    {
      index: true,
      lazy: async () => ({ Component: (await import("../pages/record/summary.tsx")).Summary }),
    },
    {
      path: ":section",
      lazy: async () => ({ Component: (await import("../pages/record/section.tsx")).Section }),
    },
  ];
}

function Fallback() {
  return (
    <Frame>
      <div className="narrow">
        <Waiting words={words.opening} />
      </div>
    </Frame>
  );
}
