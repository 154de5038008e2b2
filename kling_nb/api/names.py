"""Names that Kling knows of effects and of voices: data of one date, for completion, tables and warnings.

They change every month. A name that is not here is sent with a warning, never refused.
"""

__all__ = ["CLASSIC_EFFECTS", "DATED", "EFFECTS", "PAIR_EFFECTS", "VOICES"]

DATED = "early 2026"

CLASSIC_EFFECTS = frozenset(["bloombloom", "dizzydizzy", "expansion", "fuzzyfuzzy", "squish"])
"""Effects on one picture that Kling's own document lists: kling-v1-6, 5 seconds."""

PAIR_EFFECTS = frozenset(["heart_gesture", "hug", "kiss"])
"""Effects on two people that Kling's own document lists."""

_LATER_PAIRS = "cheers_2026 fight_pro heart_gesture_pro hug_pro kiss_pro"
_LATER = """
    3d_cartoon_1_pro 3d_cartoon_2 a_list_look advent_of_flora american_comics angel_wing anime_figure balloon_parade
    baseball birthday_star black_wings bloodline_dance boss_coming bouncy_dance bouquet_drop box_of_joy
    brown_bear_hug building_collapse building_sweater bullet_time bullet_time_360 bullet_time_lite c4d_cartoon_pro
    car_explosion chanel_dance chinese_trend christmas_photo_shoot city_to_village color_mixing construction_worker
    coronation_of_frost countdown_teleport cozy_toon_wrap cry_cry crystal_horse cute_dance cute_ghost_transform
    cute_pumpkin_transform daoma_dance dark_wing day_to_night demon_transform disappear dishwasher dollar_rain
    dollar_rain_pro double_gun drunk_dance drunk_dance_pet dumpling_making_pet eagle_snatch emoji eternal_kiss
    expression_challenge fairy_wing feed_mooncake felt_felt finger_swipe firework firework_2026
    first_toast_of_the_year fish_making_pet flash_drive fly_fly flyer fortune_god_transform fortune_in_motion
    fortune_knocks_cartoon french_elegance funky_martian gallery_ring get_rich_quick ghost_step_dance
    glamour_photo_shoot golden_horse_fortune golden_wing good_luck_dance great_success guardian_spirit guess_what
    gun_shot halloween_escape happy_birthday heart_gesture_1 heart_gesture_dance horse_mask horse_year_firework
    hot_feet_dance hug_from_past inner_voice instant_christmas instant_film instant_kid japanese_anime_1 jazz_jazz
    jelly_jiggle jelly_press jelly_slice jelly_squish jesus_hug jumpdrop jumping_ginger_joy knock_knock_halloween
    laicai_dance lantern_festival_cuju lantern_glow lateral_shift_transition let’s_ride lie_flat lightning_power
    lion_dance lion_dance_pet long_hair love_theme_song lucky_horse_year lucky_money_come lucky_red_packet
    lucky_veggie luminous_elf magic_broom magic_cloak magic_fireball magic_match_tree make_it_rain marry_me
    martial_arts media_interview memory_alive motorcycle_dance mummy_transform muscle_pet mushroom my_santa_pic
    mythic_style new_year_feast new_year_greeting nezha office_escape_plow ornament_crash overdrive
    palm_sized_figure palm_sized_figure_pro particle_santa_surround perler_beads pet_bee pet_bee_pro pet_chef
    pet_chinese_opera pet_dance pet_delivery pet_lion_pro pet_moto_rider pet_red_packet pet_vlogger pet_warrior
    pet_wizard phantom_jewel pigeon_dance piggy_morph pink_pink_wings pixelpixel plushcut polar_bear_hug poping
    prank_box prosperity pucker_up pumpitup_dance pumpkin_head_transform pure_white_wings raid_check rampage_ape
    red_packet_box ring_in_new rocketrocket running running_man santa_express santa_gift santa_gifts santa_hug
    santa_random_surprise scarlet_and_snow sedan_chair_dance send_my_love shark_alert shush_my_dreams siblings
    skateskate ski_ski skyfall smoke_smoke smooth_sailing_dance smooth_transition snatched snow_night_kiss
    snowboarding snowglobe spark_in_the_snow spring_bloom squeeze_scream steampunk steampunk_christmas studio_look
    subject_3_dance surfsurf surprise_bouquet swag_dance swing_swing swish_swish switch_to_silk tangyuan_to_animal
    the_exercise the_high_kick the_hip_sway throne_of_king thumbs_up_pro tiger_hug_pro toss_run trampoline
    trampoline_night twist_shake unique_firework unique_spring_couplets vampire_transform venomous_spider
    watermelon_bomb wealth_drive wig_out witch_transform woodland_elf wool_curly yangge_dance yearbook
    zombie_transform zoom_out
"""

EFFECTS = CLASSIC_EFFECTS | PAIR_EFFECTS | frozenset(_LATER.split()) | frozenset(_LATER_PAIRS.split())
"""Every effect whose name was seen. Those seen later take one picture, unless two people are meant."""

VOICES: dict[str, dict[str, str]] = {
    "en": {
        "genshin_vindi2": "Sunny",
        "zhinen_xuesheng": "Sage",
        "AOT": "Ace",
        "ai_shatang": "Blossom",
        "genshin_klee2": "Peppy",
        "genshin_kirara": "Dove",
        "ai_kaiya": "Shine",
        "oversea_male1": "Anchor",
        "ai_chenjiahao_712": "Lyric",
        "girlfriend_4_speech02": "Melody",
        "chat1_female_new-3": "Tender",
        "chat_0407_5-1": "Siren",
        "cartoon-boy-07": "Zippy",
        "uk_boy1": "Bud",
        "cartoon-girl-01": "Sprite",
        "PeppaPig_platform": "Candy",
        "ai_huangzhong_712": "Beacon",
        "ai_huangyaoshi_712": "Rock",
        "ai_laoguowang_712": "Titan",
        "chengshu_jiejie": "Grace",
        "you_pingjing": "Helen",
        "calm_story1": "Lore",
        "uk_man2": "Crag",
        "laopopo_speech02": "Prattle",
        "heainainai_speech02": "Hearth",
        "reader_en_m-v1": "The Reader",
        "commercial_lady_en_f-v1": "Commercial Lady",
    },
    "zh": {
        "genshin_vindi2": "阳光少年",
        "zhinen_xuesheng": "懂事小弟",
        "tiyuxi_xuedi": "运动少年",
        "ai_shatang": "青春少女",
        "genshin_klee2": "温柔小妹",
        "genshin_kirara": "元气少女",
        "ai_kaiya": "阳光男生",
        "tiexin_nanyou": "幽默小哥",
        "ai_chenjiahao_712": "文艺小哥",
        "girlfriend_1_speech02": "甜美邻家",
        "chat1_female_new-3": "温柔姐姐",
        "girlfriend_2_speech02": "职场女青",
        "cartoon-boy-07": "活泼男童",
        "cartoon-girl-01": "俏皮女童",
        "ai_huangyaoshi_712": "稳重老爸",
        "you_pingjing": "温柔妈妈",
        "ai_laoguowang_712": "严肃上司",
        "chengshu_jiejie": "优雅贵妇",
        "zhuxi_speech02": "慈祥爷爷",
        "uk_oldman3": "唠叨爷爷",
        "laopopo_speech02": "唠叨奶奶",
        "heainainai_speech02": "和蔼奶奶",
        "dongbeilaotie_speech02": "东北老铁",
        "chongqingxiaohuo_speech02": "重庆小伙",
        "chuanmeizi_speech02": "四川妹子",
        "chaoshandashu_speech02": "潮汕大叔",
        "ai_taiwan_man2_speech02": "台湾男生",
        "xianzhanggui_speech02": "西安掌柜",
        "tianjinjiejie_speech02": "天津姐姐",
        "diyinnansang_DB_CN_M_04-v2": "新闻播报男",
        "yizhipiannan-v1": "译制片男",
        "guanxiaofang-v2": "元气少女",
        "tianmeixuemei-v1": "撒娇女友",
        "daopianyansang-v1": "刀片烟嗓",
        "mengwa-v1": "乖巧正太",
    },
}
"""Voices of speech (tts and the older lip-sync), by language: the id and what Kling's guide calls it."""
