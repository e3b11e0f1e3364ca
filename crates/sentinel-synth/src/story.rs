//! Stories: the kinds of fraud that the stream tells, and the innocent things that look like them.
//!
//! Names only; how each is told is in `episode/<story>.rs` and `look_alike/<name>.rs`.

use sentinel_domain::{LabelSource, vocabulary};

vocabulary! {
    /// A kind of fraud, told in an episode of several payments.
    Story {
        /// Tiny payments on the web try out stolen card numbers within minutes; then large payments.
        CardTesting = 1, "card_testing";
        /// A stolen card goes shopping in its own city until somebody notices.
        StolenCardSpree = 2, "stolen_card_spree";
        /// A script pays ten times or more from one account inside a minute.
        VelocityBurst = 3, "velocity_burst";
        /// A card pays at home and, within the hour, its copy pays in a far city.
        ImpossibleTravel = 4, "impossible_travel";
        /// Somebody else is in the account: new device, often a foreign address, large amounts, mules.
        AccountTakeover = 5, "account_takeover";
        /// A terminal copies the cards of honest customers; days later they are used abroad.
        CompromisedTerminal = 6, "compromised_terminal";
        /// One small payment to see whether a card works, then a large one.
        SmallThenLarge = 7, "small_then_large";
        /// A few merchants in league charge many stolen cards, each time just under a limit.
        CollusionRing = 8, "collusion_ring";
        /// Many victims pay into a few accounts, which pass the money on within hours.
        MuleNetwork = 9, "mule_network";
        /// Weeks of small, reliable payments; then the whole limit in two days.
        BustOut = 10, "bust_out";
        /// Invented people on one device, young and quiet, then all active at once.
        SyntheticIdentity = 11, "synthetic_identity";
    }
}

vocabulary! {
    /// An honest payment that looks like fraud.
    LookAlike {
        /// Paid on a journey, in a far city.
        Journey = 1, "journey";
        /// One of many purchases in an hour.
        ShoppingSpree = 2, "shopping_spree";
        /// One of several payments inside a minute.
        QuickSuccession = 3, "quick_succession";
        /// Above 5,000 US dollars.
        LargePurchase = 4, "large_purchase";
        /// One of many payments of a holiday abroad.
        HolidayTravel = 5, "holiday_travel";
        /// One of many presents bought in December, sent to other places.
        ChristmasShopping = 6, "christmas_shopping";
        /// Paid with a card that two people of a family carry at the same time.
        FamilyCard = 7, "family_card";
        /// Paid from an office whose people share one address, at the page where all order lunch.
        SharedOffice = 8, "shared_office";
        /// Paid from a young account that was quiet at first.
        Newcomer = 9, "newcomer";
        /// Paid, as many others do, to one person who collects for a present or a club.
        Collection = 10, "collection";
        /// Paid in a crowd: many cards, one till, the same few prices.
        Crowd = 11, "crowd";
        /// Paid with a new telephone, some of it large.
        NewPhone = 12, "new_phone";
        /// A small trial order and then the large one, on the same page.
        TrialOrder = 13, "trial_order";
    }
}

/// Who finds a story out, and when: a log-normal number of days, held between two bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelDelay {
    /// Who says so.
    pub source: LabelSource,
    /// Half of the delays are shorter than this many days.
    pub days_median: f64,
    /// Standard deviation of the delay's natural logarithm.
    pub spread: f64,
    /// No label is known earlier.
    pub days_min: f64,
    /// No label is known later.
    pub days_max: f64,
    /// The payments of an episode are found out together: one delay for all of them. Otherwise each
    /// account has its own.
    pub together: bool,
}

impl Story {
    /// Who finds this story out, and when.
    pub fn label_delay(self) -> LabelDelay {
        crate::episode::label_delay(self)
    }
}

/// What an episode tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tale {
    /// Fraud.
    Fraud(Story),
    /// Something innocent.
    Innocent(LookAlike),
}

impl Tale {
    /// Every tale that has episodes.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let frauds = Story::ALL.iter().map(|story| Self::Fraud(*story));
        let innocent = LookAlike::ALL.iter().map(|kind| Self::Innocent(*kind));
        frauds.chain(innocent)
    }

    /// How it is told; `None` for what everyday payments show by themselves.
    pub(crate) fn script(self) -> Option<&'static Script> {
        match self {
            Self::Fraud(story) => Some(crate::episode::script(story)),
            Self::Innocent(kind) => crate::look_alike::script(kind),
        }
    }
}

/// How a tale is told.
#[derive(Debug)]
pub(crate) struct Script {
    /// Its share: of the fraudulent payments for a story, of the payments of innocent episodes for a
    /// look-alike. Shares are weighed against each other, their sum need not be 1.
    pub(crate) share: f64,
    /// No payment lies further behind the beginning of an episode.
    pub(crate) reach: Reach,
    /// Plans one episode.
    pub(crate) tell: fn(&mut crate::telling::Teller<'_>),
}

/// How long an episode lasts at most.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach {
    /// In seconds, whatever the pace of the world.
    Seconds(f64),
    /// In days of the world, see [`crate::world::World::day_seconds`].
    Days(f64),
}
