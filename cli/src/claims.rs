//! `taa claims`: test the claims of the source documents, write them down.

use std::sync::atomic::{AtomicBool, Ordering};

use taa_studies::{
    claims::{Effort, markdown, run, village},
    engine::{Lent, StudyError},
};

use crate::{Failure, args::ClaimsArgs, progress::Count, show, study};

static STOP: AtomicBool = AtomicBool::new(false);

pub(crate) fn claims(args: &ClaimsArgs) -> Result<(), Failure> {
    let effort = if args.quick { Effort::QUICK } else { Effort::FULL };
    let place = village(&args.village, &effort).map_err(|found| show::input(&found))?;
    show::folder(&args.out)?;
    let armed = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    if let Err(error) = armed {
        show::remark(&format!("taa: Ctrl-C will end this at once: {error}"));
    }
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let bar = Count::new("", args.quiet);
    let lent = Lent { threads, stop: &STOP, progress: &|done, planned| bar.at(done, planned) };
    let found = run(&place, &effort, &|part| bar.part(part), &lent);
    bar.finish();
    let book = match found {
        // Fewer draws than the rule asks for are no book: what was there before stays.
        _ if STOP.load(Ordering::Relaxed) => return Err(stopped()),
        Err(StudyError::Stopped) => return Err(stopped()),
        Err(error) => return Err(Failure::Own(error.to_string())),
        Ok(book) => book,
    };
    let json = serde_json::to_string_pretty(&book).map_err(|error| Failure::Own(error.to_string()))?;
    let page = args.out.join("claims.md");
    study::whole(&args.out.join("claims.json"), &json)?;
    study::whole(&page, &markdown(&book))?;
    for claim in book.claims.iter().filter(|_| !args.quiet) {
        show::say(&format!("{:<28} {}", claim.id, claim.verdict))?;
    }
    show::say(&format!("Claims: {}", page.display()))
}

fn stopped() -> Failure {
    Failure::Input("Stopped; nothing was written.".to_owned())
}
