// Configurations of the tests, as text: what differs between them is what a test is about.

/// One pushed metric `load` around a set-point of 50 %, one parameter `rate`; the ports are free ones.
export function pushConfig({
  folder,
  period = "200ms",
  journal = "snapshot_period: 5m",
  source = "kind: push, rate: 1000000/s",
  metric = "staleness_max: 10m",
  parameter = "change: 5, cooldown: 0s",
  loop = "gains: {kp: 20, ki: 2/s}",
  extra = "",
}) {
  return `homeostat: 1
name: test
period: ${period}
listen: {grpc: "127.0.0.1:0", http: "127.0.0.1:0"}
journal: {directory: "${folder}/journal", ${journal}}
sources:
  app: {${source}}
metrics:
  load: {samples: app, unit: ratio, min: 0, max: 1, ${metric}}
parameters:
  rate: {unit: points, decimals: 2, initial: 50, min: 10, max: 90, quantum: 0.25, ${parameter}}
loops:
  hold_load:
    response: too much load, so the rate rises
    metric: load
    parameter: rate
    setpoint: 50%
    when_high: raise
    ${loop}
${extra}`;
}

/// One chain source, its tips in a window of a minute, one parameter on the contract that answers them.
export function chainConfig({
  folder,
  providers,
  world,
  chainId = world.chain_id,
  ecosystem = world.contracts.ecosystem,
  startBlock = world.first_block,
  period = "250ms",
  source = "",
  metric = "staleness_max: 4s",
}) {
  const list = providers.map(({ name, http, ws }) => `      - {name: ${name}, http: "${http}"${ws ? `, ws: "${ws}"` : ""}}`);
  return `homeostat: 1
name: chain-test
period: ${period}
listen: {grpc: "127.0.0.1:0", http: "127.0.0.1:0"}
journal: {directory: "${folder}/journal"}
sources:
  chain:
    kind: evm
    chain_id: ${chainId}
    providers:
${list.join("\n")}
    start_block: ${startBlock}
    poll: 250ms
    finality: 0 confirmations
    deadline: 2s
    backoff_first: 100ms
    backoff_max: 500ms
    ${source}
    contracts:
      ecosystem:
        address: "${ecosystem}"
        events:
          - event Tip(address indexed viewer, address indexed creator, uint256 amount)
          - event Upload(address indexed creator, uint256 quality)
metrics:
  tip_size: {event: Tip, value: amount, scale: 1e-18, unit: STREAM, min: 0, max: 1000000, ${metric}}
parameters:
  creator_reward: {unit: STREAM, decimals: 2, initial: 10, min: 2, max: 40, quantum: 0.05, change: 2, cooldown: 3s, expiry: 1m, ack_timeout: 20s}
loops:
  tips:
    response: small tips, so creating pays more
    metric: tip_size
    parameter: creator_reward
    setpoint: 10
    error: relative
    when_low: raise
    gains: {kp: 4, integral_time: 10s}
`;
}
