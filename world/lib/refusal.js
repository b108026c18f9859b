// A contract's refusal in plain words, and scaled integers as decimal text.
import { BaseError, ContractFunctionRevertedError } from "viem";
import { nameOf } from "./chain.js";

/// "125" with 4 decimals is "0.0125"; always all decimals, so that the text is the stored integer and nothing else.
export function formatUnits(value, decimals) {
  const digits = value.toString().padStart(decimals + 1, "0");
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

const kTexts = {
  UnknownParameter: ([parameter]) => `the contract has no parameter ${nameOf(parameter)}`,
  OutOfBounds: ([parameter, value, min, max], d) =>
    `${nameOf(parameter)} ${formatUnits(value, d)} is outside the contract's bounds ` +
    `${formatUnits(min, d)} to ${formatUnits(max, d)}`,
  ChangeTooLarge: ([parameter, change, max], d) =>
    `a change of ${nameOf(parameter)} by ${formatUnits(change, d)} is above the contract's largest, ${formatUnits(max, d)}`,
  CoolingDown: ([parameter, readyAt, time]) =>
    `${nameOf(parameter)} is cooling down for another ${readyAt - time} s of chain time`,
  StaleEpoch: ([epoch, current]) => `epoch ${epoch} is stale: the contract has seen ${current}`,
  RepeatedId: ([parameter, id, last]) => `id ${id} is not above ${last}, the last that ${nameOf(parameter)} accepted`,
  Expired: ([deadline, time]) => `expired ${time - deadline} s ago by chain time`,
  NotNewer: ([metric]) => `${nameOf(metric)} has no newer observation`,
  FromTheFuture: ([metric, observedAt, time]) =>
    `${nameOf(metric)} was observed ${observedAt - time} s ahead of the chain`,
  ReportedTooSoon: ([metric, readyAt, time]) => `${nameOf(metric)} may be recorded again in ${readyAt - time} s`,
  EnforcedPause: () => "a guardian has paused the contract",
  AccessControlUnauthorizedAccount: ([account]) => `${account} does not hold the role for this`,
};

/// The reason if `error` (of viem) says that the contract refused, undefined if it says anything else.
export function refusalText(error, decimals) {
  if (!(error instanceof BaseError)) return undefined;
  const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  if (!revert) return undefined;
  const { errorName, args = [] } = revert.data ?? {};
  if (!errorName) return `refused by the contract: ${revert.reason ?? revert.signature ?? "no reason given"}`;
  return kTexts[errorName]?.(args, decimals) ?? `refused by the contract: ${errorName}(${args.join(", ")})`;
}
