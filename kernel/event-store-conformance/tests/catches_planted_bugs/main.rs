//! Tests of the suite itself: each store here has one bug, and the guarantee that it violates must fail.

mod faulty;

use std::panic::AssertUnwindSafe;

use event_store_conformance::{Harness, guarantees};
use faulty::{Bug, FaultyHarness};
use futures::FutureExt;

/// Checks that a guarantee passes without the bug and fails with it.
async fn caught(bug: Bug, guarantee: impl AsyncFn(&dyn Harness)) {
    guarantee(&FaultyHarness::new(Bug::None)).await;
    let harness = FaultyHarness::new(bug);
    let checked = AssertUnwindSafe(guarantee(&harness)).catch_unwind().await;
    assert!(checked.is_err(), "{bug:?} was not detected");
}

/// Defines a test for each bug and a guarantee that detects it.
macro_rules! caught_by {
    ($($test:ident: $bug:ident by $file:ident :: $guarantee:ident;)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $test() {
                caught(Bug::$bug, guarantees::$file::$guarantee).await;
            }
        )*
    };
}

caught_by! {
    forgotten_commands: ForgetsCommands by repeat::a_repeat_returns_the_first_receipt;
    forgotten_commands_in_a_batch: ForgetsCommands by repeat::a_repeat_inside_a_batch_returns_the_first_receipt;
    forgotten_commands_under_load: ForgetsCommands by repeat::repeats_race_and_one_takes_effect;
    expectations_before_commands: ChecksExpectationsFirst by repeat::a_repeat_is_detected_before_its_expectation_is_checked;
    forgotten_streams: ForgetsStreams by repeat::a_repeat_over_several_streams_returns_the_first_receipt;
    two_creators: IgnoresExpectations by creation::two_creators_race_and_one_wins;
    ignored_no_stream: IgnoresExpectations by expectation::no_stream_matches_only_an_empty_stream;
    ignored_versions: IgnoresExpectations by expectation::exact_matches_only_its_version;
    ignored_exists: IgnoresExpectations by expectation::exists_and_any_accept_every_version;
    ignored_expectations_in_a_batch: IgnoresExpectations by batch::two_commits_on_one_stream_share_a_batch;
    foreign_events: FollowsAnyEvent by expectation::follows_matches_only_its_event;
    ignored_preconditions: IgnoresPreconditions by precondition::a_precondition_is_checked_and_writes_no_event;
    torn_commits: SplitsCommits by precondition::a_commit_is_whole_or_absent;
    failed_batches: FailsTheBatch by batch::a_stale_commit_fails_alone;
    skipped_positions: SkipsPositions by batch::a_rejected_commit_takes_no_position;
    skipped_positions_under_load: SkipsPositions by order::no_event_is_skipped_duplicated_or_reordered;
    late_commits: ShowsLateCommitsFirst by order::no_event_is_skipped_duplicated_or_reordered;
    doubled_events: DoublesEvents by order::no_event_is_skipped_duplicated_or_reordered;
    ignored_versions_under_load: IgnoresExpectations by order::no_event_is_skipped_duplicated_or_reordered;
    forgotten_repeats_under_load: ForgetsCommands by order::no_event_is_skipped_duplicated_or_reordered;
    pages_without_progress: MakesNoProgress by page::a_page_reports_the_position_it_was_read_up_to;
    pages_that_claim_too_much: ClaimsTheHead by page::a_page_reports_the_position_it_was_read_up_to;
    pages_without_limit: IgnoresLimits by page::a_page_keeps_its_limit;
    streams_without_end: NeverEndsFullPages by page::a_stream_is_read_in_pages;
    ignored_stream_types: IgnoresStreamTypes by page::a_filter_selects_streams_by_their_type;
    too_much_ignored: IgnoresTooMuch by page::a_filter_selects_streams_by_their_type;
    failed_pages: FailsPages by unreadable::an_unreadable_event_fails_no_page;
    left_out_events: LeavesUnreadableOut by unreadable::an_unreadable_event_fails_no_page;
    sleeping_readers: NeverWakes by waking::a_waiting_reader_is_woken_immediately;
    rounded_times: RoundsTimes by content::an_event_is_read_as_it_was_stored;
    dropped_metadata: DropsMetadata by content::an_event_is_read_as_it_was_stored;
    torn_standing: TearsStanding by status::a_status_is_from_one_snapshot;
    changing_ids: ChangesItsId by identity::a_log_is_identified_by_its_id_and_its_events;
    mistaken_events: NamesTheEventBefore by identity::a_log_is_identified_by_its_id_and_its_events;
    replaced_snapshots: ReplacesSnapshots by snapshot::a_snapshot_is_replaced_by_a_higher_version_only;
    mixed_snapshots: MixesSchemaVersions by snapshot::each_schema_version_has_its_snapshot;
    foreign_snapshots: KeepsForeignSnapshots by snapshot::a_removed_snapshot_can_be_replaced_by_a_lower_one;
    ignored_fences: IgnoresFences by fence::a_zombies_token_is_rejected;
    ignored_fences_of_new_commands: IgnoresFences by fence::the_fence_is_checked_after_the_command_id;
    expectations_before_fences: ForgetsCommands by fence::the_fence_is_checked_after_the_command_id;
    unchanged_tokens: KeepsTokens by lease::a_token_never_decreases;
    shared_leases: SharesLeases by lease::a_lease_has_one_owner;
    shared_leases_under_load: SharesLeases by lease::concurrent_acquirers_race_and_one_wins;
    eternal_leases: NeverExpires by lease::a_lease_expires_unless_renewed;
    stolen_leases: ReleasesForAnyOwner by lease::a_released_lease_is_free;
    lists_of_too_much: ListsTooMuch by held_leases::held_leases_are_listed_by_prefix;
    lists_of_ended_leases: NeverExpires by held_leases::held_leases_are_listed_by_prefix;
    short_lists: ListsAHundred by held_leases::a_long_list_is_truncated;
    forgotten_work: ForgetsEveryLease by held_leases::only_ended_leases_with_a_retention_are_deleted;
    remembered_heartbeats: ForgetsNoLease by held_leases::only_ended_leases_with_a_retention_are_deleted;
    timid_seizing: SeizesOnlyFreeLeases by held_leases::seizing_takes_leases_from_any_holder;
    seizing_under_old_tokens: SeizesUnderOldTokens by held_leases::seizing_takes_leases_from_any_holder;
}

/// A guarantee about two stores passes without the bug and fails with it.
#[tokio::test]
async fn shared_ids() {
    let guarantee = guarantees::identity::each_log_has_its_own_id;
    guarantee(
        &FaultyHarness::new(Bug::None),
        &FaultyHarness::new(Bug::None),
    )
    .await;
    let (one, other) = (
        FaultyHarness::new(Bug::SharesItsId),
        FaultyHarness::new(Bug::SharesItsId),
    );
    let checked = AssertUnwindSafe(guarantee(&one, &other))
        .catch_unwind()
        .await;
    assert!(checked.is_err(), "the shared id was not detected");
}
