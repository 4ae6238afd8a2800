//! A lead that says that it is a test, wherever a person may meet it.

use crate::Lead;

/// What stands before everything that is read as text.
const TEST: &str = "TEST LEAD, please ignore";

/// What stands after a caller's name.
const TEST_NAME: &str = "(TEST)";

impl Lead {
    /// The same lead, marked as a test by the caller's name, the service and the issue: whatever a CRM
    /// shows of a lead, it shows one of these. Numbers and ids stay, so that it is found as it would be.
    #[must_use]
    pub fn marked_as_test(mut self) -> Self {
        let contact = &mut self.contact;
        let name = contact.last_name.as_mut().or(contact.first_name.as_mut());
        match name {
            Some(name) => *name = format!("{name} {TEST_NAME}"),
            None => contact.last_name = Some(TEST_NAME.to_owned()),
        }
        let wanted = &mut self.service_request;
        for text in [&mut wanted.service_type, &mut wanted.issue_description] {
            *text = Some(match text.take() {
                Some(said) => format!("{TEST}: {said}"),
                None => TEST.to_owned(),
            });
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_says_so_wherever_it_is_read_and_is_found_as_any_other() {
        let lead = Lead::from_value(crate::example()).expect("valid");
        let test = lead.clone().marked_as_test();
        let issue = test.service_request.issue_description.as_deref();
        assert!(issue.is_some_and(|issue| issue.starts_with(TEST)));
        assert!(
            test.contact
                .last_name
                .is_some_and(|name| name.ends_with(TEST_NAME))
        );
        assert_eq!(test.contact.phone, lead.contact.phone);
        assert_eq!(test.event_id, lead.event_id);
    }

    #[test]
    fn a_caller_without_a_name_has_one_as_a_test() {
        let mut lead = Lead::from_value(crate::example()).expect("valid");
        (lead.contact.first_name, lead.contact.last_name) = (None, None);
        lead.service_request = crate::ServiceRequest::default();
        let test = lead.marked_as_test();
        assert_eq!(test.contact.last_name.as_deref(), Some(TEST_NAME));
        assert_eq!(test.service_request.service_type.as_deref(), Some(TEST));
    }
}
