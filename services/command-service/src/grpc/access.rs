//! Who may call which method.

use authentication::Access;

/// `None` if there is no such method. Which orders a customer may change is decided by the methods themselves.
pub(super) fn access(path: &str) -> Option<Access> {
    let (service, method) = path.strip_prefix("/proto.")?.split_once('/')?;
    let access = match (service, method) {
        ("OrderCommand", "Cancel")
        | ("SagaCommand", "StartOrderSaga")
        | ("Idempotency", "Begin" | "Renew" | "Finish") => Access::Customer,
        // The gateway asks for the head of the log for clients without a token too.
        ("Admin", "Status") => Access::Anyone,
        ("CategoryCommand", "Create" | "Update" | "Delete")
        | ("ProductCommand", "Create" | "Update" | "Delete" | "ChangePrice" | "UpdateStock")
        | ("OrderCommand", "Ship" | "Deliver")
        | (
            "SagaCommand",
            "GetSagaStatus" | "ListSagas" | "ShowSaga" | "ResumeSaga" | "RetrySaga" | "CancelSaga"
            | "ResolveSaga",
        )
        | ("Admin", "SkipProjectionEvent" | "PauseProjection" | "ResumeProjection")
        | (
            "EventHandlers",
            "ListEventHandlers" | "ShowEventHandler" | "PauseEventHandler" | "ResumeEventHandler"
            | "SkipHandledEvent",
        ) => Access::Admin,
        _ => return None,
    };
    Some(access)
}

#[cfg(test)]
mod tests {
    use authentication::Access;

    use super::access;

    #[test]
    fn each_method_states_who_may_call_it() {
        let methods = contract::methods("proto");
        assert!(methods.len() > 20, "{methods:?}");
        for method in methods {
            assert!(access(&method).is_some(), "{method}");
        }
        assert_eq!(access("/proto.Admin/Unknown"), None);
        assert_eq!(access("/query.OrderQuery/GetOrder"), None);
    }

    #[test]
    fn operators_and_the_catalogue_need_an_administrator() {
        let methods = contract::methods("proto");
        let open = methods
            .iter()
            .filter(|it| access(it) != Some(Access::Admin));
        let open: Vec<&str> = open.map(String::as_str).collect();
        assert_eq!(
            open,
            [
                "/proto.Admin/Status",
                "/proto.Idempotency/Begin",
                "/proto.Idempotency/Finish",
                "/proto.Idempotency/Renew",
                "/proto.OrderCommand/Cancel",
                "/proto.SagaCommand/StartOrderSaga",
            ]
        );
    }
}
