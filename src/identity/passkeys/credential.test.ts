import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { parseAuthentication, parseRegistration } from "#identity/passkeys/credential.ts";

const authentication = {
  id: "aWQ",
  rawId: "aWQ",
  type: "public-key",
  authenticatorAttachment: "platform",
  clientExtensionResults: { credProps: { rk: true } },
  response: {
    clientDataJSON: "e30",
    authenticatorData: "AA",
    signature: "AA",
    userHandle: "AA",
  },
};
const registration = {
  ...authentication,
  response: { clientDataJSON: "e30", attestationObject: "AA", transports: ["internal", "hybrid"] },
};

suite("a credential from the browser", () => {
  test("is taken with the fields of the standard, and no others", () => {
    const { response } = authentication;
    assert.deepEqual(parseAuthentication({ ...authentication, extra: 1 }), {
      id: "aWQ",
      rawId: "aWQ",
      type: "public-key",
      response,
      clientExtensionResults: {},
    });
    assert.deepEqual(parseRegistration(registration)?.response, registration.response);
  });

  test("is refused when a field is missing, of another kind, too long or not base64url", () => {
    for (const [valid, parse] of [
      [authentication, parseAuthentication],
      [registration, parseRegistration],
    ] as const) {
      for (const wrong of [undefined, null, 7, "", "a b", "a=", {}, "x".repeat(50_000)]) {
        for (const name of ["id", "rawId", "type", "response"])
          assert.equal(parse({ ...valid, [name]: wrong }), null, name);
        for (const name of Object.keys(valid.response).filter((one) => one !== "transports"))
          assert.equal(parse({ ...valid, response: { ...valid.response, [name]: wrong } }), null);
      }
      assert.equal(parse({ ...valid, rawId: "b3RoZXI" }), null);
    }
  });

  test("without a user handle is no discoverable one", () => {
    const { userHandle: _, ...response } = authentication.response;
    assert.equal(parseAuthentication({ ...authentication, response }), null);
  });

  test("may name transports that the standard does not know yet, but not nonsense", () => {
    const transports = [
      "usb",
      "smoke-signal",
      "UP",
      7,
      "x".repeat(40),
      ...Array.from({ length: 20 }, () => "nfc"),
    ];
    const parsed = parseRegistration({
      ...registration,
      response: { ...registration.response, transports },
    });
    assert.deepEqual(parsed?.response.transports?.slice(0, 3), ["usb", "smoke-signal", "nfc"]);
    assert.equal(parsed?.response.transports?.length, 8);
  });

  test("of any JSON whatever is taken or refused, never thrown at", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(parseAuthentication(value), null);
        assert.equal(parseRegistration(value), null);
      }),
    );
  });
});
