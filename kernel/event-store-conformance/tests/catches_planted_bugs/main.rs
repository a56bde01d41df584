//! The suite is tested too: each store here makes one mistake, and the promise that it breaks must fail.

mod faulty;

use std::panic::AssertUnwindSafe;

use event_store_conformance::{Harness, promises};
use faulty::{Bug, FaultyHarness};
use futures::FutureExt;

/// The promise holds without the bug and fails with it.
async fn caught(bug: Bug, promise: impl AsyncFn(&dyn Harness)) {
    promise(&FaultyHarness::new(Bug::None)).await;
    let harness = FaultyHarness::new(bug);
    let checked = AssertUnwindSafe(promise(&harness)).catch_unwind().await;
    assert!(checked.is_err(), "{bug:?} was not seen");
}

/// One test a bug and the promise that sees it.
macro_rules! caught_by {
    ($($test:ident: $bug:ident by $file:ident :: $promise:ident;)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $test() {
                caught(Bug::$bug, promises::$file::$promise).await;
            }
        )*
    };
}

caught_by! {
    forgotten_commands: ForgetsCommands by repeat::a_repeat_gets_the_first_receipt;
    forgotten_commands_in_a_batch: ForgetsCommands by repeat::a_repeat_inside_a_batch_gets_the_first_receipt;
    forgotten_commands_under_load: ForgetsCommands by repeat::repeats_race_and_one_takes_effect;
    expectations_before_commands: ChecksExpectationsFirst by repeat::a_repeat_is_answered_before_its_expectation_is_checked;
    forgotten_streams: ForgetsStreams by repeat::a_repeat_over_several_streams_gets_the_first_receipt;
    two_creators: IgnoresExpectations by creation::two_creators_race_and_one_wins;
    ignored_no_stream: IgnoresExpectations by expectation::no_stream_is_met_once;
    ignored_versions: IgnoresExpectations by expectation::exact_is_met_at_one_version;
    ignored_exists: IgnoresExpectations by expectation::exists_and_any_ask_no_version;
    ignored_expectations_in_a_batch: IgnoresExpectations by batch::two_commits_on_one_stream_share_a_batch;
    foreign_events: FollowsAnyEvent by expectation::follows_tells_events_at_one_version_apart;
    ignored_preconditions: IgnoresPreconditions by precondition::a_precondition_is_checked_and_leaves_nothing;
    torn_commits: TearsCommits by precondition::a_commit_is_whole_or_absent;
    failed_batches: FailsTheBatch by batch::a_stale_commit_fails_alone;
    skipped_positions: SkipsPositions by batch::a_refused_commit_takes_no_position;
    skipped_positions_under_load: SkipsPositions by order::nothing_is_skipped_doubled_or_reordered;
    late_commits: ShowsLateCommitsFirst by order::nothing_is_skipped_doubled_or_reordered;
    doubled_events: DoublesEvents by order::nothing_is_skipped_doubled_or_reordered;
    ignored_versions_under_load: IgnoresExpectations by order::nothing_is_skipped_doubled_or_reordered;
    forgotten_repeats_under_load: ForgetsCommands by order::nothing_is_skipped_doubled_or_reordered;
    pages_that_stand_still: StandsStillWhenEmpty by page::a_page_says_how_far_it_read;
    pages_that_claim_too_much: ClaimsTheHead by page::a_page_says_how_far_it_read;
    pages_without_limit: IgnoresLimits by page::a_page_keeps_its_limit;
    streams_without_end: NeverEndsFullPages by page::a_stream_is_read_in_pages;
    ignored_stream_types: IgnoresStreamTypes by page::a_filter_selects_streams_by_their_type;
    too_much_ignored: IgnoresTooMuch by page::a_filter_selects_streams_by_their_type;
    failed_pages: FailsPages by unreadable::an_unreadable_event_fails_no_page;
    left_out_events: LeavesUnreadableOut by unreadable::an_unreadable_event_fails_no_page;
    sleeping_readers: NeverWakes by waking::a_waiting_reader_wakes_at_once;
    rounded_times: RoundsTimes by content::an_event_comes_back_as_it_was_stored;
    dropped_metadata: DropsMetadata by content::an_event_comes_back_as_it_was_stored;
    torn_standing: TearsStanding by standing::standing_is_of_one_moment;
    changing_ids: ChangesItsId by identity::a_log_is_known_by_its_id_and_its_events;
    mistaken_events: NamesTheEventBefore by identity::a_log_is_known_by_its_id_and_its_events;
    replaced_snapshots: ReplacesSnapshots by snapshot::a_snapshot_is_replaced_by_a_higher_version_only;
    mixed_snapshots: MixesSchemaVersions by snapshot::each_schema_version_has_its_snapshot;
    kept_foreign_snapshots: KeepsForeignSnapshots by snapshot::a_removed_snapshot_makes_room_for_a_lower_one;
    ignored_fences: IgnoresFences by fence::a_zombies_token_is_refused;
    ignored_fences_of_new_commands: IgnoresFences by fence::the_fence_is_checked_behind_the_command_id;
    expectations_before_fences: ForgetsCommands by fence::the_fence_is_checked_behind_the_command_id;
    kept_tokens: KeepsTokens by lease::a_token_only_grows;
    shared_leases: SharesLeases by lease::a_lease_has_one_owner;
    shared_leases_under_load: SharesLeases by lease::takers_race_and_one_wins;
    eternal_leases: NeverExpires by lease::a_lease_expires_unless_renewed;
    stolen_leases: ReleasesForAnybody by lease::a_released_lease_is_free;
    lists_of_too_much: ListsTooMuch by held_leases::the_leases_that_are_held_are_listed_by_prefix;
    lists_of_ended_leases: NeverExpires by held_leases::the_leases_that_are_held_are_listed_by_prefix;
    short_lists: ListsAHundred by held_leases::a_long_list_is_cut_off;
    forgotten_work: ForgetsEveryLease by held_leases::an_ended_lease_with_a_retention_is_deleted_and_no_other_one;
    remembered_heartbeats: ForgetsNoLease by held_leases::an_ended_lease_with_a_retention_is_deleted_and_no_other_one;
    timid_seizing: SeizesWhatIsFree by held_leases::seizing_takes_leases_from_whoever_holds_them;
    seizing_under_old_tokens: SeizesUnderOldTokens by held_leases::seizing_takes_leases_from_whoever_holds_them;
}

/// A promise about two stores holds without the bug and fails with it.
#[tokio::test]
async fn shared_ids() {
    let promise = promises::identity::each_log_has_an_id_of_its_own;
    promise(
        &FaultyHarness::new(Bug::None),
        &FaultyHarness::new(Bug::None),
    )
    .await;
    let (one, other) = (
        FaultyHarness::new(Bug::SharesItsId),
        FaultyHarness::new(Bug::SharesItsId),
    );
    let checked = AssertUnwindSafe(promise(&one, &other)).catch_unwind().await;
    assert!(checked.is_err(), "the shared id was not seen");
}
