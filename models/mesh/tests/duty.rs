//! Time on the air that a regulator leaves: kept in every hour, by priority, and what it does to a village.

mod site;

use std::collections::BTreeMap;

use site::{HOUR, MINUTE, S, Site, config, grid, ideal, line};
use taa_mesh::mac::engine::Priority;
use taa_mesh::net::{Config, Duty, Event, Use, Why};
use taa_mesh::wisun::params::Size;

/// The most that any node was on the air in any hour on these channels, nanoseconds.
fn worst_hour(events: &[(u64, Event)], set: &Config, channels: std::ops::RangeInclusive<u16>) -> u64 {
    let mut by_node: BTreeMap<u32, Vec<(u64, u64)>> = BTreeMap::new();
    for (_, event) in events {
        if let Event::Frame(frame) = event
            && channels.contains(&frame.channel)
        {
            by_node.entry(frame.from).or_default().push((frame.start_ns, set.phy.air_ns(frame.octets)));
        }
    }
    let worst = |mut sent: Vec<(u64, u64)>| {
        sent.sort_unstable();
        let (mut first, mut sum, mut most) = (0, 0, 0);
        for &(start_ns, air_ns) in &sent {
            sum += air_ns;
            while sent[first].0 + sent[first].1 + HOUR <= start_ns + air_ns {
                sum -= sent[first].1;
                first += 1;
            }
            most = most.max(sum);
        }
        most
    };
    by_node.into_values().map(worst).max().unwrap_or(0)
}

/// A village that joins and is then read so often that a tenth of a percent does not suffice; in two bands.
fn busy(duty: Option<Duty>) -> (Site, Config) {
    let set = Config { trace: true, duty, ..config(Size::Small, 2) };
    let mut site = Site::new(set.clone(), 16, &grid(16, 65.0));
    for _ in 0..180 {
        site.run(MINUTE);
        for node in 1..16 {
            site.network.send(0, node, &[1; 100], Priority::Data);
            site.network.send(node, 0, &[2; 200], Priority::Data);
        }
    }
    (site, set)
}

fn halves() -> Duty {
    Duty::of_bands(vec![(0..=12, 10, 20), (13..=34, 30, 60)])
}

#[test]
fn no_hour_of_any_node_exceeds_its_budget_in_any_band() {
    let (site, set) = busy(Some(halves()));
    let budgets = [20, 60].map(|share| HOUR / 10_000 * share);
    for (channels, budget_ns) in [0..=12, 13..=34].into_iter().zip(budgets) {
        let worst_ns = worst_hour(&site.events, &set, channels);
        assert!(worst_ns <= budget_ns && worst_ns * 10 > budget_ns * 8, "{worst_ns} of {budget_ns}");
    }
    for node in 0..16 {
        for used in site.network.duty(node) {
            assert!(used.most_ns <= used.budget_ns && used.now_ns <= used.most_ns, "{node}: {used:?}");
        }
    }
    let [held, given_up, _] = site.network.totals().duty;
    assert!(held > 0 && given_up > 0);
    let dropped = |event: &&(u64, Event)| matches!(event.1, Event::Dropped { why: Why::DutyCycle, .. });
    assert!(site.events.iter().filter(dropped).count() > 100, "messages say why they went no further");
}

/// Sabotage: the same village without the rule breaks it.
#[test]
fn sabotage_without_the_rule_it_is_broken() {
    let (site, set) = busy(None);
    assert!(worst_hour(&site.events, &set, 0..=12) > 2 * HOUR / 10_000 * 20);
    assert!(site.network.duty(3).is_empty());
}

/// A node that has used what data may use still sends control, and urgent frames last of all.
#[test]
fn what_is_urgent_still_goes_out() {
    let duty = Duty { wait_max_ns: 0, ..Duty::everywhere(400) };
    let mut site = Site::new(Config { duty: Some(duty), ..ideal(Size::Small, 1) }, 2, &line(2));
    site.until_all_serve(4 * HOUR).expect("it joins");
    site.run(HOUR);
    let fates = |site: &mut Site, priority: Priority| {
        site.events.clear();
        let number = site.network.send(1, 0, &[1; 1_000], priority);
        site.run(3 * S);
        let mut fates = site.events.iter().filter_map(|(_, event)| match event {
            Event::Delivered { id, .. } if *id == number => Some(None),
            Event::Dropped { id, why, .. } if *id == number => Some(Some(*why)),
            _ => None,
        });
        fates.next().unwrap()
    };
    let until_refused = |site: &mut Site, priority: Priority| {
        (0..1_000).find_map(|_| fates(site, priority)).expect("it ends some time")
    };
    assert_eq!(until_refused(&mut site, Priority::Data), Why::DutyCycle);
    assert_eq!(fates(&mut site, Priority::Control), None, "control goes on");
    assert_eq!(until_refused(&mut site, Priority::Control), Why::DutyCycle);
    assert_eq!(fates(&mut site, Priority::Urgent), None, "what is urgent goes on");
    site.run(HOUR + 2 * MINUTE);
    assert_eq!(fates(&mut site, Priority::Data), None, "an hour later there is room again");
}

/// A frame that may wait is sent when there is room, and a more urgent one passes it.
#[test]
fn a_frame_waits_for_room_and_a_more_urgent_one_passes() {
    let duty = Duty { wait_max_ns: 2 * HOUR, ..Duty::everywhere(400) };
    let mut site = Site::new(Config { duty: Some(duty), queue_max: 500, ..ideal(Size::Small, 1) }, 2, &line(2));
    site.until_all_serve(4 * HOUR).expect("it joins");
    site.run(HOUR);
    let numbers: Vec<u64> = (0..400).map(|_| site.network.send(1, 0, &[1; 1_000], Priority::Data)).collect();
    site.run(10 * MINUTE);
    assert!(site.network.totals().duty[0] > 0, "some wait");
    let urgent = site.network.send(1, 0, &[9; 50], Priority::Urgent);
    site.run(5 * S);
    let at = |site: &Site, number: u64| {
        site.events.iter().position(|(_, event)| matches!(event, Event::Delivered { id, .. } if *id == number))
    };
    assert!(at(&site, urgent).is_some() && at(&site, numbers[399]).is_none());
    site.run(4 * HOUR);
    assert!(numbers.iter().all(|&number| at(&site, number).is_some()), "all arrive in the end");
}

/// What a village of a hundred uses of an hour while it joins and while it is read hourly, and what a limit leaves of
/// its readings.
#[test]
fn a_village_of_a_hundred_under_limits() {
    let mut shares = Vec::new();
    for share in [10_000, 1_000, 250, 150, 100, 10] {
        let set = Config { duty: Some(Duty::everywhere(share)), ..config(Size::Small, 1) };
        let mut site = Site::new(set, 100, &grid(100, 65.0));
        let mut served = None;
        for minute in 1..=240 {
            site.run(MINUTE);
            if served.is_none() && site.serving() == 99 {
                served = Some(minute);
            }
        }
        let percent = |ns: u64| ns as f64 / HOUR as f64 * 100.0;
        let worst = |site: &Site| {
            let most = |node: u32| percent(site.network.duty(node)[0].most_ns);
            (most(0), (1..100).map(most).fold(0.0, f64::max))
        };
        let joining = worst(&site);
        let serve = site.serving();
        let mut steady: [f64; 2] = [0.0; 2];
        let (mut asked, mut answered) = (0, 0);
        for _ in 0..6 {
            for node in 1..100 {
                let from_ns = site.network.now_ns();
                asked += 1;
                let there = site.carry(0, node, &[1; 120]).is_some();
                answered += u32::from(there && site.carry(node, 0, &[2; 180]).is_some());
                site.events.clear();
                site.run((HOUR / 99).saturating_sub(site.network.now_ns() - from_ns));
            }
            let now = |node: u32| percent(site.network.duty(node)[0].now_ns);
            steady = [steady[0].max(now(0)), steady[1].max((1..100).map(now).fold(0.0, f64::max))];
        }
        println!(
            "{share}: {serve} serve (all after {served:?} min); while joining root and worst {joining:.2?} %; reading \
             {steady:.2?} %; {answered} of {asked} answered; {:?}",
            site.network.totals().duty
        );
        let by_use = Use::ALL.map(|of| (of, site.network.totals().by_use[of as usize].1 / S));
        println!("  seconds on the air {by_use:?}");
        shares.push(f64::from(answered) / f64::from(asked));
        assert!(joining.0.max(joining.1) * 100.0 <= share as f64, "{joining:?}");
    }
    assert!(shares[..3].iter().all(|share| *share > 0.98), "10 % and 2.5 % suffice: {shares:?}");
    assert!(shares[4..].iter().all(|share| *share < 0.1), "1 % does not: what looks for a PAN fills it: {shares:?}");
}
