//! The list of the promises, as tests.

/// Makes one `#[tokio::test]` a promise. Takes an expression that starts a fresh [`Harness`](crate::Harness); it is
/// evaluated and awaited in each test. The calling crate needs `tokio` with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! conformance_tests {
    ($start:expr) => {
        $crate::conformance_tests! { @each $start;
            creation::two_creators_race_and_one_wins
            creation::a_stream_begins_at_version_one
            expectation::no_stream_is_met_once
            expectation::exact_is_met_at_one_version
            expectation::exists_and_any_ask_no_version
            expectation::follows_tells_events_at_one_version_apart
            precondition::a_precondition_is_checked_and_leaves_nothing
            precondition::a_commit_is_whole_or_absent
            batch::a_stale_commit_fails_alone
            batch::two_commits_on_one_stream_share_a_batch
            batch::a_refused_commit_takes_no_position
            repeat::a_repeat_gets_the_first_receipt
            repeat::a_repeat_inside_a_batch_gets_the_first_receipt
            repeat::a_repeat_over_several_streams_gets_the_first_receipt
            repeat::a_repeat_is_answered_before_its_expectation_is_checked
            repeat::repeats_race_and_one_takes_effect
            standing::standing_tells_receipt_versions_and_head
            standing::standing_is_of_one_moment
            order::nothing_is_skipped_doubled_or_reordered
            page::a_page_says_how_far_it_read
            page::a_page_keeps_its_limit
            page::a_stream_is_read_in_pages
            page::a_filter_selects_streams_by_their_type
            unreadable::an_unreadable_event_fails_no_page
            unreadable::a_repeat_of_an_unreadable_event_fails_no_batch
            waking::a_waiting_reader_wakes_at_once
            waking::a_reader_behind_the_head_does_not_wait
            content::an_event_comes_back_as_it_was_stored
            content::a_commit_holds_a_thousand_events
            content::a_large_event_comes_back_whole
            content::a_name_with_nul_is_not_taken_for_another
            fence::a_zombies_token_is_refused
            fence::the_fence_is_checked_behind_the_command_id
            lease::a_lease_has_one_owner
            lease::a_token_only_grows
            lease::a_lease_expires_unless_renewed
            lease::a_released_lease_is_free
            lease::takers_race_and_one_wins
            identity::a_log_is_known_by_its_id_and_its_events
            held_leases::the_leases_that_are_held_are_listed_by_prefix
            held_leases::a_long_list_is_cut_off
            held_leases::an_ended_lease_with_a_retention_is_deleted_and_no_other_one
            held_leases::seizing_takes_leases_from_whoever_holds_them
            snapshot::a_snapshot_is_replaced_by_a_higher_version_only
            snapshot::each_schema_version_has_its_snapshot
            snapshot::a_removed_snapshot_makes_room_for_a_lower_one
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn each_log_has_an_id_of_its_own() {
            let (one, other) = ($start.await, $start.await);
            $crate::promises::identity::each_log_has_an_id_of_its_own(&one, &other).await;
        }
    };
    (@each $start:expr; $($file:ident :: $promise:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let harness = $start.await;
                $crate::promises::$file::$promise(&harness).await;
            }
        )*
    };
}
