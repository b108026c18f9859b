// Applies one adjustment to the StreamEcosystem contract, at most once, and says what came of it.
//
//   input    {id, epoch, parameter, units, decimals, expires_s}: as sent by the daemon; id and units are BigInt
//   output   {applied: {value, reference}} or {rejected: {reason}}; value is what was read back from the chain
//   throws   when the outcome is not known (the node is away, a transaction is not mined yet): ask again
//
// Whether an id was applied is the contract's knowledge, never ours, so it may be asked again after any interruption.
import { createPublicClient, createWalletClient, defineChain, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { artefact, bytes32 } from "./chain.js";
import { formatUnits, refusalText } from "./refusal.js";

const kGas = 250_000n;
const kRpcTimeoutMs = 10_000;
/// A transaction that is not mined by then is looked for again; the contract refuses whichever copy comes second.
const kReceiptTimeoutMs = 30_000;
const kPollMs = 200;

export class Unsettled extends Error {}

export function makeApplier({ world, privateKey, now = () => Date.now() / 1000 }) {
  const { abi } = artefact("StreamEcosystem");
  const address = world.contracts.ecosystem;
  const account = privateKeyToAccount(privateKey);
  const chain = defineChain({
    id: world.chain_id,
    name: "world",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [world.rpc] } },
  });
  const transport = http(world.rpc, { timeout: kRpcTimeoutMs, retryCount: 0 });
  const client = createPublicClient({ chain, transport, pollingInterval: kPollMs, cacheTime: 0 });
  const wallet = createWalletClient({ chain, transport, account });
  const read = (functionName, args, rest = {}) => client.readContract({ address, abi, functionName, args, ...rest });

  /// The answer for an id that the contract has applied, undefined for one that it has not.
  async function earlierAnswer(adjustment, parameter) {
    const application = await read("applicationOf", [parameter, adjustment.id]);
    if (application.time === 0n) return undefined;
    const value = formatUnits(application.value, adjustment.decimals);
    return { applied: { value, reference: await transactionOf(adjustment, parameter) } };
  }

  /// The transaction that applied an id, empty when the node no longer knows it.
  async function transactionOf(adjustment, parameter) {
    const [log] = await client.getContractEvents({
      address,
      abi,
      eventName: "ParameterAdjusted",
      args: { parameter, id: adjustment.id },
      fromBlock: BigInt(world.first_block),
    });
    return log?.transactionHash ?? "";
  }

  /// The reason why the contract would refuse now, undefined if it would accept.
  async function refusalNow(adjustment, args) {
    try {
      await client.simulateContract({ address, abi, functionName: "adjust", args, account });
      return undefined;
    } catch (error) {
      const reason = refusalText(error, adjustment.decimals);
      if (reason) return reason;
      throw error;
    }
  }

  async function isExpired(deadline) {
    const { timestamp } = await client.getBlock();
    if (timestamp > deadline) return true;
    // By our clock it is too late to send, but a transaction sent before a restart could still be mined.
    if (now() > Number(deadline)) throw new Unsettled("expired by our clock, the chain's is not there yet");
    return false;
  }

  async function send(args) {
    const nonce = await client.getTransactionCount({ address: account.address, blockTag: "pending" });
    const hash = await wallet.writeContract({ address, abi, functionName: "adjust", args, gas: kGas, nonce });
    return client.waitForTransactionReceipt({ hash, timeout: kReceiptTimeoutMs });
  }

  async function apply(adjustment) {
    if (Buffer.byteLength(adjustment.parameter) > 31) {
      return { rejected: { reason: `the contract has no parameter ${adjustment.parameter}` } };
    }
    const parameter = bytes32(adjustment.parameter);
    const earlier = await earlierAnswer(adjustment, parameter);
    if (earlier) return earlier;

    const deadline = BigInt(Math.floor(adjustment.expires_s));
    if (await isExpired(deadline)) return { rejected: { reason: "expired before it could be applied" } };
    const args = [parameter, adjustment.units, adjustment.id, adjustment.epoch, deadline];
    const refusal = await refusalNow(adjustment, args);
    if (refusal) return { rejected: { reason: refusal } };
    const { decimals } = await read("parameterOf", [parameter]);
    if (decimals !== adjustment.decimals) {
      const reason = `${adjustment.parameter} has ${decimals} decimals on the chain, the adjustment ${adjustment.decimals}`;
      return { rejected: { reason } };
    }

    const receipt = await send(args);
    if (receipt.status === "success") {
      const value = await read("valueOf", [parameter], { blockNumber: receipt.blockNumber });
      return { applied: { value: formatUnits(value, decimals), reference: receipt.transactionHash } };
    }
    // Accepted in the rehearsal and refused in the block: another transaction came between.
    const meanwhile = await earlierAnswer(adjustment, parameter);
    if (meanwhile) return meanwhile;
    const reason = await refusalNow(adjustment, args);
    if (reason) return { rejected: { reason } };
    throw new Unsettled(`transaction ${receipt.transactionHash} was reverted, and would pass now`);
  }

  /// Throws when the node serves another chain or the contract is missing.
  async function check() {
    const id = await client.getChainId();
    if (id !== world.chain_id)
      throw new Error(`${world.rpc} serves chain ${id}, the world is on chain ${world.chain_id}`);
    if (!(await client.getCode({ address }))) throw new Error(`no contract at ${address} on ${world.rpc}`);
  }

  return { apply, check, account: account.address };
}
