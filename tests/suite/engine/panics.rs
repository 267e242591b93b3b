//! The messages of panics, and the line they name, which should be the caller's.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread expects to panic; the hook is the whole process's.
    static LISTENING: Cell<bool> = const { Cell::new(false) };
    static HEARD: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// A panic's message, with the file and line it was reported at.
#[derive(Debug)]
pub(super) struct Caught {
    pub(super) message: String,
    pub(super) file: String,
    pub(super) line: u32,
}

/// Runs a function that must panic, without the usual output.
pub(super) fn caught<R>(work: impl FnOnce() -> R) -> Caught {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !LISTENING.get() {
                return before(info);
            }
            let place = info.location().map(|place| (place.file().to_owned(), place.line()));
            HEARD.set(place);
        }));
    });
    LISTENING.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    LISTENING.set(false);
    let Err(payload) = result else { panic!("this was expected to panic") };
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or_else(|| Some((*payload.downcast_ref::<&str>()?).to_owned()));
    let (file, line) = HEARD.take().expect("the hook saw the panic");
    Caught { message: message.expect("panics carry text"), file, line }
}
