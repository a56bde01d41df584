//! A batch as flat arrays, the parameters of `append_events`. Ordinals start at 1, as in SQL.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use event_sourcing::{CommandId, Commit, ExpectedVersion, StreamId, Write};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, Postgres};
use sqlx::{Encode, Type};
use uuid::Uuid;

/// JSON text for a `jsonb` column. The server parses it, so the driver need not.
#[derive(Debug)]
pub(crate) struct JsonText<T>(pub(crate) T);

impl<T> Type<Postgres> for JsonText<T> {
    fn type_info() -> PgTypeInfo {
        <serde_json::Value as Type<Postgres>>::type_info()
    }
}

impl<T> PgHasArrayType for JsonText<T> {
    fn array_type_info() -> PgTypeInfo {
        serde_json::Value::array_type_info()
    }
}

impl<T: AsRef<str>> Encode<'_, Postgres> for JsonText<T> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The version of jsonb's binary format.
        buffer.push(1);
        buffer.extend_from_slice(self.0.as_ref().as_bytes());
        Ok(IsNull::No)
    }
}

/// The arguments of `append_events`; its migration describes each field.
#[derive(Debug, Default)]
pub(crate) struct Batch<'a> {
    pub stream_type: Vec<&'a str>,
    pub stream_id: Vec<&'a str>,
    pub lease_name: Vec<&'a str>,
    pub command: Vec<Uuid>,
    pub same_as: Vec<i32>,
    pub recorded_at: Vec<DateTime<Utc>>,
    pub fence_lease: Vec<i32>,
    pub fence_token: Vec<i64>,
    pub commit_events: Vec<i32>,
    pub write_end: Vec<i32>,
    pub write_stream: Vec<i32>,
    pub expected: Vec<i16>,
    pub expected_version: Vec<i32>,
    pub follows: Vec<Uuid>,
    pub write_events: Vec<i32>,
    pub write_last_event: Vec<Uuid>,
    pub event_commit: Vec<i32>,
    pub event_write: Vec<i32>,
    pub event_index: Vec<i32>,
    pub event_step: Vec<i32>,
    pub event_id: Vec<Uuid>,
    pub event_type: Vec<&'a str>,
    pub schema_version: Vec<i32>,
    pub data: Vec<JsonText<&'a str>>,
    pub metadata: Vec<JsonText<String>>,
}

impl<'a> Batch<'a> {
    pub(crate) fn of(commits: &'a [Commit]) -> Result<Self, serde_json::Error> {
        let mut batch = Self::default();
        let leases = batch.number_leases(commits);
        let mut streams = HashMap::new();
        let mut commands = HashMap::new();
        for commit in commits {
            batch.push_commit(commit, &leases, &mut commands);
            let mut index = 0;
            for write in commit.writes() {
                batch.push_write(write, &mut streams);
                batch.push_events(commit.command_id(), write, &mut index)?;
            }
            batch.write_end.push(count(&batch.write_stream));
        }
        Ok(batch)
    }

    /// Numbers the leases in the order of their names. The function locks them in that order, as every other statement
    /// does, so that none deadlocks with another.
    fn number_leases(&mut self, commits: &'a [Commit]) -> HashMap<&'a str, i32> {
        let fences = commits.iter().filter_map(Commit::fence);
        let names: BTreeSet<&str> = fences.map(|fence| &*fence.lease).collect();
        self.lease_name = names.into_iter().collect();
        self.lease_name.iter().copied().zip(1..).collect()
    }

    fn push_commit(
        &mut self,
        commit: &Commit,
        leases: &HashMap<&'a str, i32>,
        commands: &mut HashMap<CommandId, i32>,
    ) {
        let id = commit.command_id();
        self.command.push(id.0);
        let ordinal = count(&self.command);
        self.same_as.push(*commands.entry(id).or_insert(ordinal));
        self.recorded_at.push(commit.recorded_at());
        let fence = commit.fence();
        let lease = fence.and_then(|fence| leases.get(&*fence.lease));
        self.fence_lease.push(lease.copied().unwrap_or(0));
        // A token that exceeds the column becomes one that no row has, so the commit is fenced. It is not -1, which the
        // function uses for a lease without a row.
        let token = fence.map_or(0, |fence| i64::try_from(fence.token.0).unwrap_or(i64::MIN));
        self.fence_token.push(token);
        self.commit_events.push(number(commit.event_count()));
    }

    fn push_write(&mut self, write: &'a Write, streams: &mut HashMap<&'a StreamId, i32>) {
        let next = count(&self.stream_id) + 1;
        let stream = *streams.entry(&write.stream).or_insert(next);
        if stream == next {
            self.stream_type.push(write.stream.aggregate_type());
            self.stream_id.push(write.stream.aggregate_id());
        }
        let (kind, version, follows) = match write.expected {
            ExpectedVersion::NoStream => (1, 0, Uuid::nil()),
            ExpectedVersion::Exact(version) => (1, version.0, Uuid::nil()),
            ExpectedVersion::Follows { version, event_id } => (2, version.0, event_id),
            ExpectedVersion::Exists => (3, 0, Uuid::nil()),
            ExpectedVersion::Any => (4, 0, Uuid::nil()),
        };
        self.write_stream.push(stream);
        self.expected.push(kind);
        // No stream has a version that exceeds the column, so -1 is rejected in the same manner.
        self.expected_version
            .push(i32::try_from(version).unwrap_or(-1));
        self.follows.push(follows);
        self.write_events.push(number(write.events.len()));
    }

    fn push_events(
        &mut self,
        command: CommandId,
        write: &'a Write,
        index: &mut usize,
    ) -> Result<(), serde_json::Error> {
        let mut last = Uuid::nil();
        for (new, step) in write.events.iter().zip(1..) {
            last = command.event_id(*index);
            self.event_commit.push(count(&self.command));
            self.event_write.push(count(&self.write_stream));
            self.event_index.push(number(*index));
            self.event_step.push(step);
            self.event_id.push(last);
            self.event_type.push(new.event.event_type);
            self.schema_version.push(number(new.event.schema_version));
            self.data.push(JsonText(&new.event.data));
            self.metadata
                .push(JsonText(serde_json::to_string(&new.metadata)?));
            *index += 1;
        }
        self.write_last_event.push(last);
        Ok(())
    }
}

fn count<T>(items: &[T]) -> i32 {
    number(items.len())
}

/// The limits of commits keep counts in a batch far below `i32::MAX`.
pub(crate) fn number(value: impl TryInto<i32>) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}
