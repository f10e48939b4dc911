import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { wantedAccount } from "#cli/invite.ts";

/** What is wrong with the options. */
function refusal(options: Parameters<typeof wantedAccount>[1]): string {
  const wanted = wantedAccount("parent-7", options);
  return typeof wanted === "string" ? wanted : assert.fail("it was taken");
}

const lee = { name: "Dr. Lee", role: "clinician" };

suite("the account that `phylax invite` asks for", () => {
  test("has what was said and nothing else", () => {
    assert.deepEqual(wantedAccount("staff-12", lee), {
      externalId: "staff-12",
      displayName: "Dr. Lee",
      roles: ["clinician"],
    });
  });

  test("works in each department that was named", () => {
    const wanted = wantedAccount("staff-12", { ...lee, department: ["Cardiology", "Ward 3"] });
    assert.ok(typeof wanted !== "string");
    assert.deepEqual(wanted.departments, ["Cardiology", "Ward 3"]);
  });

  test("acts for the child until the child is of age, by its birth date", () => {
    const parent = { name: "Lu", role: "proxy", child: "mateo", childBorn: "2017-01-20" };
    const wanted = wantedAccount("parent-7", parent);
    assert.ok(typeof wanted !== "string");
    assert.deepEqual(wanted.actsFor, [
      { patient: "mateo", basis: "parent", birthDate: "2017-01-20" },
    ]);
  });

  test("is not asked for with a child without its birth date, nor the other way round", () => {
    for (const half of [{ child: "mateo" }, { childBorn: "2017-01-20" }])
      assert.match(refusal({ name: "Lu", role: "proxy", ...half }), /together/);
  });

  test("is not asked for with a role that does not exist or is no person's", () => {
    for (const role of ["king", "service", "kiosk"])
      assert.match(refusal({ ...lee, role }), new RegExp(`no role "${role}"`));
  });
});
