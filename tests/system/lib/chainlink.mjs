// Chainlink's own contracts on a real node, and hands to report, to replace an aggregator and to let time pass. The
// chain's clock is the test's: it stands two days behind the wall clock, so that it can be put forward freely.
import { decodeFunctionResult, encodeDeployData, encodeFunctionData, getAddress, pad, toHex } from "viem";
import { chainlinkContracts } from "../../../contracts/test/build.mjs";
import { chain, startNode } from "./chain.mjs";
import { waitFor } from "./wait.mjs";

const kLag = 2 * 86_400;
const kZero = pad("0x", { size: 20 });
/// Arbitrum's offset between a contract on L1 and its alias as a sender on L2.
const kAlias = 0x1111000000000000000000000000000000001111n;

export async function startChainlink(t, options = {}) {
  const contracts = chainlinkContracts();
  let at = Math.floor(Date.now() / 1000) - kLag;
  const node = await startNode(t, { blockTime: 0, extra: ["--timestamp", String(at)], ...options });
  const { rpc } = node;

  /// One transaction, in its own block, a second after the last.
  async function transact(transaction) {
    at += 1;
    await rpc.call("evm_setNextBlockTimestamp", [at]);
    const hash = await rpc.call("eth_sendTransaction", [{ from: chain.kAdmin, gas: "0x989680", ...transaction }]);
    const receipt = await waitFor("a transaction is mined", () => rpc.call("eth_getTransactionReceipt", [hash]));
    if (receipt.status !== "0x1") {
      const why = await rpc.call("eth_call", [{ from: chain.kAdmin, ...transaction }, "latest"]).catch((error) => error.message);
      throw new Error(`a transaction was reverted: ${why}`);
    }
    return receipt;
  }
  /// Lets `seconds` pass; then there is a block at that time.
  async function pass(seconds) {
    at += seconds;
    await rpc.call("evm_setNextBlockTimestamp", [at]);
    await rpc.call("evm_mine");
  }

  async function deploy(name, args = []) {
    const { abi, bytecode } = contracts[name];
    const { contractAddress } = await transact({ data: encodeDeployData({ abi, bytecode, args }) });
    const address = getAddress(contractAddress);
    const from = (sender) => (sender === undefined ? {} : { from: sender });
    return {
      address,
      send: (functionName, params = [], sender) => transact({ to: address, data: encodeFunctionData({ abi, functionName, args: params }), ...from(sender) }),
      read: async (functionName, params = []) => {
        const data = encodeFunctionData({ abi, functionName, args: params });
        return decodeFunctionResult({ abi, functionName, data: await rpc.call("eth_call", [{ to: address, data }, "latest"]) });
      },
    };
  }

  /// Chainlink's MockV3Aggregator: any answer at any time.
  const mock = (decimals, answer) => deploy("MockV3Aggregator", [decimals, answer]);
  /// The same with minAnswer and maxAnswer, as OCR aggregators have them.
  const bounded = (decimals, answer, min, max) => deploy("BoundedAggregator", [decimals, answer, min, max]);
  /// Chainlink's FluxAggregator with three oracles, of which two must answer a round: startedAt is when the first did.
  async function flux({ decimals = 8, min = 1n, max = 10n ** 12n, description = "TIP / USD" } = {}) {
    const contract = await deploy("FluxAggregator", [kZero, 0n, 600, kZero, min, max, decimals, description]);
    const oracles = [10, 11, 12].map(chain.userAddress);
    for (const oracle of oracles) await rpc.call("anvil_setBalance", [oracle, toHex(10n ** 20n)]);
    await contract.send("changeOracles", [[], oracles, oracles, 2, 3, 0]);
    return { ...contract, submit: (oracle, round, value) => contract.send("submit", [round, value], oracles[oracle]) };
  }
  /// The real proxy in front of an aggregator. `replace(other)` is what Chainlink does: propose, then confirm.
  async function proxied(aggregator) {
    const proxy = await deploy("EACAggregatorProxy", [aggregator.address, kZero]);
    return {
      ...proxy,
      aggregator,
      async replace(other) {
        await proxy.send("proposeAggregator", [other.address]);
        await proxy.send("confirmAggregator", [other.address]);
      },
    };
  }
  /// Arbitrum's sequencer uptime feed: told by its messenger on L1 that the sequencer is down, or up again.
  async function sequencer() {
    const access = await deploy("SimpleReadAccessController");
    const flags = await deploy("Flags", [access.address, access.address]);
    const l1 = chain.userAddress(20);
    const feed = await deploy("ArbitrumSequencerUptimeFeed", [flags.address, l1]);
    await access.send("addAccess", [feed.address]);
    await flags.send("addAccess", [feed.address]);
    const messenger = getAddress(pad(toHex((BigInt(l1) + kAlias) % (1n << 160n)), { size: 20 }));
    await rpc.call("anvil_setBalance", [messenger, toHex(10n ** 20n)]);
    const status = (isDown) => feed.send("updateStatus", [isDown, BigInt(at)], messenger);
    return { ...feed, initialize: () => feed.send("initialize"), down: () => status(true), up: () => status(false) };
  }

  return { node, rpc, now: () => at, transact, pass, deploy, mock, bounded, flux, proxied, sequencer };
}

/// A configuration with one Chainlink source; `feeds` are {name: {address, heartbeat, keys}}, each a metric of its name.
export function chainlinkConfig({ folder, providers, feeds, source = "", sources = "", metrics = "", chainId = 31337 }) {
  const list = providers.map(({ name, http }) => `      - {name: ${name}, http: "${http}"}`);
  const feed = ([name, { address, heartbeat = "1h", keys = "" }]) => `      ${name}: {proxy: "${address}", heartbeat: ${heartbeat}${keys && `, ${keys}`}}`;
  const metric = (name) => `  ${name}: {samples: prices, unit: USD, min: 0, max: 1000000000, staleness_max: 10d}`;
  return `homeostat: 1
name: chainlink-test
period: 200ms
listen: {grpc: "127.0.0.1:0", http: "127.0.0.1:0"}
journal: {directory: "${folder}/journal"}
sources:
  prices:
    kind: chainlink
    chain_id: ${chainId}
    providers:
${list.join("\n")}
    poll: 100ms
    head_age_max: 30d
    deadline: 2s
    backoff_first: 100ms
    backoff_max: 500ms
    ${source}
    feeds:
${Object.entries(feeds).map(feed).join("\n")}
${sources}
metrics:
${Object.keys(feeds).map(metric).join("\n")}
${metrics}
parameters:
  rate: {unit: points, decimals: 2, initial: 50, min: 10, max: 90, quantum: 0.25, change: 5, cooldown: 0s}
loops:
  hold: {response: "a high price, so the rate rises", metric: ${Object.keys(feeds)[0]}, parameter: rate, setpoint: 3000, error: relative, when_high: raise, gains: {kp: 1}}
`;
}
