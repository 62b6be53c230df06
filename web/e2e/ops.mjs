/** The operator's visit: signs in, finds the session, reads the checks. */

export async function visitOps(operator, options, session) {
  const failures = [];
  await operator.signIn("/ops", options.operator_phone);
  const card = operator.page.locator(`[data-name="live-session"][data-session="${session}"]`);
  await card.waitFor({ timeout: 10_000 });
  const billed = card.locator('[data-name="billed"]');
  const first = await billed.textContent();
  let second = first;
  // A leg that sends no voice is witnessed by consent checks alone, a few seconds apart.
  for (let waited_ms = 0; first === second && waited_ms < 10_000; waited_ms += 500) {
    await operator.page.waitForTimeout(500);
    second = await billed.textContent();
  }
  if (first === second) failures.push("the operator's page does not move");
  const checks = operator.page.locator('[data-name="invariants"]');
  const isGreen = (await checks.getAttribute("data-ok", { timeout: 5_000 }).catch(() => null)) === "true";
  if (!isGreen) failures.push("not all invariants are green on the operator's page");
  await operator.shoot("ops", { full: true });
  return {
    billed_first: first,
    billed_second: second,
    invariants_ok: isGreen,
    invariants: await checks.locator(".check-words > span:first-child").allTextContents(),
    live: await operator.get("/v1/admin/live", "ops"),
    failures,
  };
}
