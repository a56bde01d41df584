//! The structure of commits: the first event has the command id, and the id of each event follows from the command id
//! and the event's index in the commit.

use std::collections::HashSet;

use crate::envelope::Envelope;
use crate::id::CommandId;
use crate::verify::FindingKind;

/// Verifies the commits of a log, event by event.
#[derive(Debug, Default)]
pub(super) struct Commits {
    current: Current,
    commands: HashSet<CommandId>,
}

/// The commit of the next event without a command id.
#[derive(Debug, Default)]
enum Current {
    /// Its first event was not read.
    #[default]
    Unknown,
    /// Its first event was not read, which is reported.
    Reported,
    Known {
        command: CommandId,
        /// The index of the next event in the commit.
        next: usize,
        /// Events were missing or unreadable since the last verified event: the next one may belong to another commit.
        is_interrupted: bool,
    },
}

impl Commits {
    /// The number of commits.
    pub(super) fn count(&self) -> u64 {
        self.commands.len() as u64
    }

    /// Passes over events that are missing or cannot be read.
    pub(super) fn pass_over(&mut self, events: u64) {
        match &mut self.current {
            Current::Known {
                next,
                is_interrupted,
                ..
            } => {
                *next = next.saturating_add(usize::try_from(events).unwrap_or(usize::MAX));
                *is_interrupted = true;
            }
            current => *current = Current::Unknown,
        }
    }

    /// Verifies the next event. Returns what is wrong with it.
    pub(super) fn observe(&mut self, event: &Envelope) -> Option<(FindingKind, String)> {
        let Some(command) = event.command_id else {
            return self.observe_later(event);
        };
        self.current = Current::Known {
            command,
            next: 1,
            is_interrupted: false,
        };
        if !self.commands.insert(command) {
            let detail = format!("an earlier commit has the command id {command}");
            return Some((FindingKind::RepeatedCommand, detail));
        }
        foreign(event, command, 0)
    }

    /// An event that is not the first one of its commit.
    fn observe_later(&mut self, event: &Envelope) -> Option<(FindingKind, String)> {
        match &mut self.current {
            Current::Known {
                command,
                next,
                is_interrupted,
            } => {
                let finding = foreign(event, *command, *next);
                if finding.is_some() && *is_interrupted {
                    return Some(self.report_without_commit());
                }
                *next += 1;
                *is_interrupted = false;
                finding
            }
            Current::Unknown => Some(self.report_without_commit()),
            Current::Reported => None,
        }
    }

    fn report_without_commit(&mut self) -> (FindingKind, String) {
        self.current = Current::Reported;
        let detail = "the first event of its commit, with the command id, is missing or unreadable";
        (FindingKind::EventWithoutCommit, detail.to_owned())
    }
}

fn foreign(event: &Envelope, command: CommandId, index: usize) -> Option<(FindingKind, String)> {
    let expected = command.event_id(index);
    (event.event_id != expected).then(|| {
        let detail = format!(
            "its id is {}, but event {index} of the commit of command {command} has the id {expected}",
            event.event_id
        );
        (FindingKind::ForeignEvent, detail)
    })
}
