//! Stories: the kinds of fraud that the stream tells, and the innocent things that look like them.

use sentinel_domain::vocabulary;

vocabulary! {
    /// A kind of fraud, told in an episode of several payments.
    Story {
        /// Tiny payments on the web try out stolen card numbers within minutes; then one large payment.
        CardTesting = 1, "card_testing";
        /// A stolen card goes shopping in its own city until somebody notices.
        StolenCardSpree = 2, "stolen_card_spree";
        /// A script pays ten times or more from one account inside a minute.
        VelocityBurst = 3, "velocity_burst";
        /// A card pays at home and, within the hour, its copy pays in a far city.
        ImpossibleTravel = 4, "impossible_travel";
        /// Somebody else is in the account: new device, often a foreign address, large amounts, mules.
        AccountTakeover = 5, "account_takeover";
        /// A terminal copies the cards of honest customers, and they are used abroad soon after.
        CompromisedTerminal = 6, "compromised_terminal";
        /// One small payment to see whether a card works, then a large one.
        SmallThenLarge = 7, "small_then_large";
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
    }
}
