// The engine's state, inside the engine only. Everything that can reach a decision is listed in the
// `fields` of these structs; what is not (policy, plan) is made anew from the policy.
//
// One adjustment per parameter is under way at most: it waits for its veto window, or for its answer.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/law.hpp"
#include "controller/pid.hpp"
#include "core/boxed.hpp"
#include "core/pile.hpp"
#include "engine/engine.hpp"
#include "engine/kept_records.hpp"
#include "engine/plan.hpp"
#include "guardian/authority.hpp"
#include "guardian/limits.hpp"
#include "guardian/modes.hpp"
#include "guardian/orders.hpp"
#include "oracle/oracle.hpp"

namespace homeostat::engine {

/// A rejected or vetoed adjustment is asked for again after period x 2^n, n = refusals in a row, but
/// never later than after this many periods: a contract that refuses everything costs gas, not more.
inline constexpr std::int64_t kBackoffPeriodsMax = 64;

/// What a law remembers, as it is given back when what it asked for was not done.
struct LoopMemory {
  controller::PidState pid;
  controller::LawBox law;
  double counted = 0;  ///< LoopState::counted

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.pid), a(x.law), a(x.counted);
  }
};

/// What every tick needs stands first: a tick walks through all loops, and a cache line that it leaves out is time
/// saved.
struct LoopState {
  controller::PidStep last;  ///< the law's state, and the terms of the last step
  double setpoint = 0;       ///< PV, on its ramp
  double driven = 0;         ///< what an outer loop adds to its set-point, PV
  Boxed<guardian::Shift> shift;
  controller::LawBox law;  ///< of a law other than pid
  double gain_factor = 1;  ///< by its schedule, the last one that could be told
  double counted = 0;      ///< of its output, in a decoupling: what its parameter can follow, U
  double excess = 0;       ///< U, of the last step; an outer loop reads it before the next one is made
  bool in_band = false;    ///< the last usable reading was in the emergency band
  bool emergency_gains = false;
  bool holds = false;  ///< scratch of one tick, of an outer loop: the loop that it drives is not in charge
  ResponseWatch watch;

  [[nodiscard]] const controller::PidState& pid() const { return last.state; }
  /// Its contribution, held between steps, U.
  [[nodiscard]] double output() const { return last.state.output; }
  void align_to(double output) { last.state = controller::align_to(last.state, output); }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.last), a(x.setpoint), a(x.shift), a(x.in_band), a(x.emergency_gains), a(x.watch), a(x.law), a(x.gain_factor),
        a(x.driven), a(x.counted), a(x.excess);
  }
};

/// An adjustment under way.
struct UnderWay {
  std::uint64_t id = 0;
  bool sent = false;  ///< false: waits for `ready`, the end of its veto window
  Instant ready;
  Instant sent_at;
  Instant expires;
  bool timed_out = false;
  guardian::ParameterState before;  ///< to give cooldown and budget back
  /// What the parameter's laws remembered before the step that asked for it, by ParameterPlan::loops. While there is
  /// any, the laws wait for the answer. Empty: they do not (a guardian's override; they were aligned or reconfigured
  /// since).
  std::vector<LoopMemory> laws;
  double proposed_before = 0;  ///< and what they proposed then, U
  Instant approval_ends;       ///< a guardian must have released it by then; never = it needs no release
  bool released = false;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.id), a(x.sent), a(x.ready), a(x.sent_at), a(x.expires), a(x.timed_out), a(x.before), a(x.laws),
        a(x.proposed_before), a(x.approval_ends), a(x.released);
  }
};

/// In the order in which a tick needs it, as LoopState.
struct ParameterRuntime {
  Boxed<guardian::Order> pause;
  Boxed<guardian::Override> override_order;
  Boxed<UnderWay> under_way;
  double proposed = 0;         ///< by the loops at the last tick, U
  double proposed_before = 0;  ///< scratch of one tick: `proposed` of the tick before, U
  guardian::ParameterState guarded;
  Decimal wanted;
  SharedText why;
  std::uint64_t last_decision = 0;
  Instant retry_at;            ///< no new adjustment before this
  bool resisted = false;       ///< what was last sent did not become what is applied
  std::int8_t direction = 0;   ///< of the last emitted change
  std::uint32_t refusals = 0;  ///< in a row
  std::uint64_t answered = 0;  ///< id of the newest adjustment whose applied value is known
  std::uint64_t emitted = 0, applied = 0, rejected = 0, timed_out = 0;
  std::uint64_t direction_changes = 0;
  double decoupled = 0;     ///< scratch of one tick: what its decoupling made of it, U
  Duration group_window;    ///< scratch of one tick: its bundle's veto window
  Duration group_approval;  ///< and for how long a release of the bundle is waited for, 0 = it needs none
  std::array<std::uint64_t, guardian::kLimitCount> bites{};  ///< count by guardian::Limit
  std::string retry_reason;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.guarded), a(x.pause), a(x.override_order), a(x.under_way), a(x.proposed), a(x.resisted), a(x.refusals),
        a(x.retry_at), a(x.retry_reason), a(x.answered), a(x.wanted), a(x.last_decision), a(x.why), a(x.emitted),
        a(x.applied), a(x.rejected), a(x.timed_out), a(x.direction_changes), a(x.direction), a(x.bites);
  }
};

/// What became of what a decoupling's parameters are waiting for, until the last of them is answered.
struct DecouplingRuntime {
  bool applied = false;  ///< at least one was
  bool refused = false;  ///< at least one was rejected, or expired
  bool aligns = false;   ///< at the next tick its loops go on from what its parameters propose
  bool waits = false;    ///< scratch of one tick: its loops took no step

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.applied), a(x.refused), a(x.aligns);
  }
};

/// The plain part of the state.
struct Progress {
  std::uint64_t slot = 0;
  Instant at;
  std::uint64_t ticks = 0;
  std::uint64_t missed_slots = 0;
  std::uint64_t ignored_ticks = 0;  ///< slots that did not ascend
  std::uint64_t generation = 1;
  std::uint64_t decisions = 0;  ///< = id of the newest decision
  std::uint64_t commands = 0;
  std::uint64_t commands_accepted = 0;
  std::uint64_t commands_refused = 0;
  StateHash decisions_hash;
  guardian::OperatingMode mode = guardian::OperatingMode::normal;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.slot), a(x.at), a(x.ticks), a(x.missed_slots), a(x.ignored_ticks), a(x.generation), a(x.decisions),
        a(x.commands), a(x.commands_accepted), a(x.commands_refused), a(x.decisions_hash), a(x.mode);
  }
};

/// The nearest value on the parameter's grid; a proposal beyond what a Decimal can hold is a bound's.
[[nodiscard]] Decimal quantised(const guardian::ParameterSettings& settings, double proposed);

struct Engine::State {
  explicit State(PolicyPtr in_force);

  PolicyPtr policy;
  Plan plan;
  oracle::Oracle oracle;
  Progress progress;
  guardian::Modes modes;
  std::vector<LoopState> loops;                ///< by index of Policy::loops
  std::vector<ParameterRuntime> parameters;    ///< by index of Policy::guardian.parameters
  std::vector<DecouplingRuntime> decouplings;  ///< by index of Policy::decouplings
  std::vector<LoopMemory> before_step;         ///< scratch of one tick: of loops before their step, by LoopPlan::slot
  guardian::Authority authority;
  std::map<std::string, Instant> allowed_policies;  ///< fingerprints of those that may loosen limits, until when
  std::size_t sent = 0;                             ///< scratch: adjustments of the tick before
  Writer scratch;                                   ///< reused for the bytes of one record
  Buffer sentence;                                  ///< scratch of one record's `why`
  Pile pile;                                        ///< where records' terms and sentences are made
  SharedText mode_cause;                            ///< scratch of one tick: of the mode by which it decides
  /// Decisions that became, or wait to become, adjustments; the newest Policy::records_kept, and older ones that are
  /// still open. Cut once a tick: after every decision it would cost the square of what is open.
  KeptRecords adjustments;

  // tick.cpp: the decisions
  void tick(const Tick& tick, Effects& effects);
  /// Asks for the memory of parameters that are next.
  void fetch_ahead(std::uint32_t parameter, const std::vector<oracle::Reading>& readings) const;
  /// The parameter's own loops, one step each; those that drive them have stepped.
  void step_loops(std::uint32_t parameter, const std::vector<oracle::Reading>& readings, double dt_s);
  void step_loop(std::uint32_t loop, const std::vector<oracle::Reading>& readings, double dt_s);
  void decide(std::uint32_t parameter, const std::vector<oracle::Reading>& readings, Effects& effects);
  /// What the parameter's loops and limits come to; none if nothing could have acted.
  DecisionRecord* judge(std::uint32_t parameter, const std::vector<oracle::Reading>& readings, Effects& effects);
  /// Outcome, sentence and adjustment of a judged record; after this it is as it stays.
  void conclude(std::uint32_t parameter, DecisionRecord& record, Effects& effects);
  void begin_record(DecisionRecord& record, std::uint32_t parameter, const std::vector<oracle::Reading>& readings);
  void hold_back_all(std::uint32_t parameter, DecisionRecord& record) const;

  // bundles.cpp: parameters that move together or not at all
  void decide_bundles(const std::vector<oracle::Reading>& readings, Effects& effects);
  void judge_bundle(const BundlePlan& bundle, const std::vector<DecisionRecord*>& records,
                    const std::vector<oracle::Reading>& readings);
  [[nodiscard]] std::string broken_invariant(const BundlePlan& bundle,
                                             const std::vector<const DecisionRecord*>& records,
                                             const std::vector<oracle::Reading>& readings) const;

  // cascade.cpp: loops that drive others, and gains that follow a reading
  void step_outer(const std::vector<oracle::Reading>& readings, double dt_s);
  double gain_factor(std::uint32_t loop, const std::vector<oracle::Reading>& readings);

  // decoupling.cpp: loops that fight
  void step_decoupled(const DecouplingPlan& group, const std::vector<oracle::Reading>& readings, double dt_s);
  using Rows = std::array<bool, controller::kDecouplingLoopsMax>;
  using Pins = std::array<std::optional<double>, controller::kDecouplingLoopsMax>;
  /// Of each loop's output what counts; the search goes from the rows that were pinned the last time.
  void count_outputs(const DecouplingPlan& group, const Rows& were_pinned);
  /// What the parameters' proposals come to; that of a loop that cannot see stays.
  void propose(const DecouplingPlan& group);
  /// What counts of each output, with these parameters pinned. False: that cannot be told.
  [[nodiscard]] bool count_pinned(const DecouplingPlan& group, const Pins& pins);
  /// The rows of which not the whole output counts.
  [[nodiscard]] Rows pinned(const DecouplingPlan& group) const;
  /// What the loop of the parameter at `row` asks for, beside what counts of the others, U around its base.
  [[nodiscard]] double asked(const DecouplingPlan& group, std::size_t row) const;
  /// Where a parameter stands that cannot follow `contribution`, U around its base; none = it can.
  [[nodiscard]] std::optional<double> pin_of(std::uint32_t parameter, double contribution) const;
  /// The same of what it is asked for now; of one whose loop cannot see, of what it was asked for before.
  [[nodiscard]] std::optional<double> pin_at(const DecouplingPlan& group, std::size_t row) const;
  /// Why not all of its output counts.
  [[nodiscard]] Pin pin_reason(const DecouplingPlan& group, std::size_t row) const;
  /// DecisionRecord::given_back
  [[nodiscard]] double given_back_since(const DecisionRecord& record, const ParameterPlan& parameter) const;
  /// Loops that go on from what their parameters propose, at the next tick too, by what they can follow then.
  void align_decoupled(const DecouplingPlan& group);
  /// An adjustment of one of its parameters was answered, or is given up.
  void settle_decoupled(std::uint32_t parameter, bool was_applied);

  // laws.cpp: a step of a law other than pid
  void step_law(std::uint32_t loop, const std::vector<oracle::Reading>& readings, double dt_s);
  // commit.cpp: a law advances when what it asked for is acknowledged
  [[nodiscard]] bool is_waiting(std::uint32_t parameter) const;
  void wait(std::uint32_t parameter, double dt_s);
  void remember(std::uint32_t parameter);
  /// Of laws that take no step in this tick any more, but may still ask for something in it: when what they waited for
  /// has just been given back.
  void remember_as_is(std::uint32_t parameter);
  void remembered(std::uint32_t parameter, std::vector<LoopMemory>& laws) const;
  void give_back(std::uint32_t parameter);
  /// What its laws remembered before they asked for what is under way.
  void restore_laws(std::uint32_t parameter);

  // model.cpp: why what is proposed must not be sent, by the plant that a loop declares; empty = it may
  [[nodiscard]] std::string model_refusal(std::uint32_t parameter, const DecisionRecord& record,
                                          const std::vector<oracle::Reading>& readings) const;
  /// No record of a member: it stays where it is, and its loops go on.
  [[nodiscard]] std::string model_refusal(const BundlePlan& bundle, const std::vector<const DecisionRecord*>& records,
                                          const std::vector<oracle::Reading>& readings) const;

  // follow.cpp: what time alone brings about, and the causes of the mode
  void expire_orders(Instant at, Effects& effects);
  void observe(const std::vector<oracle::Reading>& readings);
  void note_mode(Effects& effects);
  void follow_up(std::uint32_t parameter, Effects& effects);

  // plausibility.cpp: sensors that do not answer to their actuators
  void watch_responses(const std::vector<oracle::Reading>& readings, std::uint64_t slots, Effects& effects);
  void watch_response(std::uint32_t loop, const oracle::Reading& reading, std::uint64_t slots, Effects& effects);
  void anchor(std::uint32_t loop, double reading);
  [[nodiscard]] double movement(std::uint32_t loop) const;
  [[nodiscard]] bool is_at_limit(std::uint32_t loop) const;
  /// The oracle's readings say from the next tick on what the loops found.
  void tell_doubts();
  /// A guardian accepts the metric as it is: it is watched anew. True if it was unresponsive.
  bool trust_again(const std::string& metric);

  // veto.cpp: what waits for its veto window
  void finish_veto_window(std::uint32_t parameter, Effects& effects);
  /// It will not be sent: its laws are where they were, and the parameter is free.
  void withdraw(std::uint32_t parameter);
  void veto(std::uint64_t id, const guardian::Order& order, Effects& effects);
  /// The decisions that wait together: a bundle's, or one.
  [[nodiscard]] std::vector<std::uint64_t> waiting_with(std::uint64_t id) const;
  /// For how long a guardian's release of it is waited for; 0 = it needs none.
  [[nodiscard]] Duration approval_for(std::uint32_t parameter, const DecisionRecord& record) const;
  struct Waiting {
    Duration window;    ///< for a veto, 0 = none
    Duration approval;  ///< for a release, 0 = it needs none
  };
  /// What a new decision waits for before it is sent. Of a bundle the longest window of all that move counts, and so
  /// does the need of a release; a guardian's own order waits for neither.
  [[nodiscard]] Waiting waiting_of(std::uint32_t parameter, const DecisionRecord& record) const;
  /// Why a decision that waits must not be sent, now or when its window has passed; empty = it may.
  [[nodiscard]] std::string overtaken(std::uint32_t parameter, const DecisionRecord& record) const;
  [[nodiscard]] std::string no_longer(std::uint32_t parameter, const DecisionRecord& record) const;
  /// Of all that go together, or of one that goes by itself: the invariants, and the model, by the readings of now.
  [[nodiscard]] std::string bundle_no_longer(const std::vector<std::uint64_t>& group) const;

  // adjust.cpp: an adjustment's life
  void send(std::uint32_t parameter, DecisionRecord& record, Effects& effects);
  void forget_oldest();
  void report(const ActuatorReport& report, Effects& effects);
  void report_bundle(const ActuatorReport& report, const DecisionRecord& any, Effects& effects);
  void answer(DecisionRecord& record, const ActuatorReport& report, Decimal value, Effects& effects);
  void back_off(std::uint32_t parameter, Instant at, std::string reason);
  [[nodiscard]] Act act_of(const DecisionRecord& record) const;
  [[nodiscard]] Adjustment adjustment_of(const DecisionRecord& record, Instant expires) const;

  // commands.cpp
  void command(const GuardianCommand& command, Effects& effects);
  /// Carries it out, or says why not; counts and reports nothing.
  Result<std::string> carry_out(const GuardianCommand& command, Effects& effects);
  void conclude(const GuardianCommand& command, const Result<std::string>& said, Effects& effects);

  // authority.cpp: signed orders, and those that wait for more signatures
  void signed_command(const SignedCommand& command, Effects& effects);
  Result<std::string> judge(const guardian::SignedOrder& order, Effects& effects);
  [[nodiscard]] double size_of(const GuardianCommand& command) const;
  void expire_authority(Instant at, Effects& effects);

  // repolicy.cpp
  void change_policy(const PolicyChange& change, Effects& effects);

  // arbitration.cpp: several loops on one parameter
  [[nodiscard]] double proposed(std::uint32_t parameter, const std::vector<oracle::Reading>& readings) const;
  /// Of an excess (`is_excess`), or of a difference that loops are to take over.
  [[nodiscard]] double share(const ParameterPlan& plan, std::uint32_t loop, bool is_excess) const;
  /// Of a loop under weighted arbitration: its reading's authority.
  [[nodiscard]] double weight(std::uint32_t loop, const std::vector<oracle::Reading>& readings) const;
  /// Where the next adjustment can take a parameter: to within `within` of `target`, U.
  struct Reach {
    double target = 0;
    double within = 0;
  };
  /// For a `total` that a loop stands for, U.
  [[nodiscard]] Reach reach_of(std::uint32_t parameter, double total) const;
  /// From `total` to what the next adjustment can do, 0 = to there, U.
  [[nodiscard]] double excess(std::uint32_t parameter, double total) const;
  void align(std::uint32_t parameter);
  /// Under `sum`: each takes its share of what changes, as far as its own limits go, and the others the rest.
  void align_sum(const ParameterPlan& parameter, double contribution);
  /// What the contributions of its loops are around, U: its initial value; of an amount, what was moved already.
  [[nodiscard]] double base_of(std::uint32_t parameter) const;
  void align_all();

  /// The mode by whose gains and limits is acted: an emergency stays one beneath a halt.
  [[nodiscard]] guardian::OperatingMode acting_mode() const {
    return modes.is_emergency() ? guardian::OperatingMode::emergency : progress.mode;
  }
};

}  // namespace homeostat::engine
