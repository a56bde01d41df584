//! The list of the guarantees, as tests.

/// Defines one `#[tokio::test]` for each guarantee. Takes an expression for a new [`Harness`](crate::Harness), which is
/// evaluated and awaited in each test. The calling crate needs `tokio` with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! conformance_tests {
    ($start:expr) => {
        $crate::conformance_tests! { @each $start;
            creation::two_creators_race_and_one_wins
            creation::a_stream_starts_at_version_one
            expectation::no_stream_matches_only_an_empty_stream
            expectation::exact_matches_only_its_version
            expectation::exists_and_any_accept_every_version
            expectation::follows_matches_only_its_event
            precondition::a_precondition_is_checked_and_writes_no_event
            precondition::a_commit_is_whole_or_absent
            batch::a_stale_commit_fails_alone
            batch::two_commits_on_one_stream_share_a_batch
            batch::a_rejected_commit_takes_no_position
            repeat::a_repeat_returns_the_first_receipt
            repeat::a_repeat_inside_a_batch_returns_the_first_receipt
            repeat::a_repeat_over_several_streams_returns_the_first_receipt
            repeat::a_repeat_is_detected_before_its_expectation_is_checked
            repeat::repeats_race_and_one_takes_effect
            status::a_status_has_the_receipt_the_versions_and_the_head
            status::a_status_is_from_one_snapshot
            order::no_event_is_skipped_duplicated_or_reordered
            page::a_page_reports_the_position_it_was_read_up_to
            page::a_page_keeps_its_limit
            page::a_stream_is_read_in_pages
            page::a_filter_selects_streams_by_their_type
            unreadable::an_unreadable_event_fails_no_page
            unreadable::a_repeat_of_an_unreadable_event_fails_no_batch
            waking::a_waiting_reader_is_woken_immediately
            waking::a_reader_below_the_head_does_not_wait
            content::an_event_is_read_as_it_was_stored
            content::a_commit_holds_a_thousand_events
            content::a_large_event_is_read_completely
            content::a_name_with_nul_is_not_confused_with_another
            fence::a_zombies_token_is_rejected
            fence::the_fence_is_checked_after_the_command_id
            lease::a_lease_has_one_owner
            lease::a_token_never_decreases
            lease::a_lease_expires_unless_renewed
            lease::a_released_lease_is_free
            lease::concurrent_acquirers_race_and_one_wins
            identity::a_log_is_identified_by_its_id_and_its_events
            held_leases::held_leases_are_listed_by_prefix
            held_leases::a_long_list_is_truncated
            held_leases::only_ended_leases_with_a_retention_are_deleted
            held_leases::seizing_takes_leases_from_any_holder
            snapshot::a_snapshot_is_replaced_by_a_higher_version_only
            snapshot::each_schema_version_has_its_snapshot
            snapshot::a_removed_snapshot_can_be_replaced_by_a_lower_one
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn each_log_has_its_own_id() {
            let (one, other) = ($start.await, $start.await);
            $crate::guarantees::identity::each_log_has_its_own_id(&one, &other).await;
        }
    };
    (@each $start:expr; $($file:ident :: $guarantee:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $guarantee() {
                let harness = $start.await;
                $crate::guarantees::$file::$guarantee(&harness).await;
            }
        )*
    };
}

/// Defines one `#[tokio::test]` for each guarantee of [`LogMaintenance`](event_sourcing::LogMaintenance). Takes an
/// expression for a new [`MaintenanceHarness`](crate::MaintenanceHarness), as
/// [`conformance_tests`] does.
#[macro_export]
macro_rules! maintenance_tests {
    ($start:expr) => {
        $crate::maintenance_tests! { @each $start;
            a_copied_log_continues_like_the_first_one
            an_import_is_whole_or_absent
            an_import_continues_only_its_own_log
            a_waiting_reader_is_woken_by_an_import
            snapshots_are_listed_in_pages_and_removed_by_selection
            a_whole_database_has_no_problems
        }
    };
    (@each $start:expr; $($guarantee:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $guarantee() {
                let (one, other) = ($start.await, $start.await);
                $crate::guarantees::maintenance::$guarantee(&one, &other).await;
            }
        )*
    };
}
