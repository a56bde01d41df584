//! Which lanes a commit of a saga takes.

use event_sourcing::execute::Lane;

use crate::advance::{CallOutcome, StepResult};
use crate::definition::{Saga, StepKind};
use crate::next::{NextMove, Plan};
use crate::state::Run;

/// The streams that the next commit will write: those of the steps with a result, and of the local steps that become due
/// with them. A hint: a stream that is missing here makes the executor decide twice.
pub(super) fn lanes<S: Saga>(run: &Run<S>, plan: &Plan, results: &[StepResult]) -> Vec<Lane> {
    let mut steps = Vec::new();
    for result in results {
        steps.push(result.step);
        let is_done = matches!(result.outcome, CallOutcome::Done(_));
        let neighbour = if is_done {
            Some(result.step + 1)
        } else {
            result.step.checked_sub(1)
        };
        steps.extend(neighbour.filter(|index| is_local(run, *index)));
    }
    for planned in &plan.moves {
        if let NextMove::Decide { step, .. } = planned {
            steps.push(*step);
        }
    }
    let steps = steps.into_iter().filter_map(|index| run.step(index));
    steps
        .flat_map(|(step, _)| (step.lanes)(&run.data))
        .collect()
}

fn is_local<S: Saga>(run: &Run<S>, index: usize) -> bool {
    run.step(index)
        .is_some_and(|(step, _)| matches!(step.kind, StepKind::Local { .. }))
}
