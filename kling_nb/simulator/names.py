"""Names that Kling knows, as of early 2026: scenes of effects, and voices of speech. They change every month."""

from __future__ import annotations

__all__ = ["ONE_PERSON", "TWO_PEOPLE", "VOICES", "WITH_MODEL"]

_WITH_MODEL = "bloombloom dizzydizzy expansion fuzzyfuzzy squish"
_TWO_PEOPLE = "heart_gesture hug kiss cheers_2026 fight_pro heart_gesture_pro hug_pro kiss_pro"
_LATER = """
3d_cartoon_1_pro 3d_cartoon_2 a_list_look advent_of_flora american_comics angel_wing anime_figure balloon_parade
baseball birthday_star black_wings bloodline_dance boss_coming bouncy_dance bouquet_drop box_of_joy brown_bear_hug
building_collapse building_sweater bullet_time bullet_time_360 bullet_time_lite c4d_cartoon_pro car_explosion
chanel_dance chinese_trend christmas_photo_shoot city_to_village color_mixing construction_worker coronation_of_frost
countdown_teleport cozy_toon_wrap cry_cry crystal_horse cute_dance cute_ghost_transform cute_pumpkin_transform
daoma_dance dark_wing day_to_night demon_transform disappear dishwasher dollar_rain dollar_rain_pro double_gun
drunk_dance drunk_dance_pet dumpling_making_pet eagle_snatch emoji eternal_kiss expression_challenge fairy_wing
feed_mooncake felt_felt finger_swipe firework firework_2026 first_toast_of_the_year fish_making_pet flash_drive
fly_fly flyer fortune_god_transform fortune_in_motion fortune_knocks_cartoon french_elegance funky_martian
gallery_ring get_rich_quick ghost_step_dance glamour_photo_shoot golden_horse_fortune golden_wing good_luck_dance
great_success guardian_spirit guess_what gun_shot halloween_escape happy_birthday heart_gesture_1 heart_gesture_dance
horse_mask horse_year_firework hot_feet_dance hug_from_past inner_voice instant_christmas instant_film instant_kid
japanese_anime_1 jazz_jazz jelly_jiggle jelly_press jelly_slice jelly_squish jesus_hug jumpdrop jumping_ginger_joy
knock_knock_halloween laicai_dance lantern_festival_cuju lantern_glow lateral_shift_transition let’s_ride lie_flat
lightning_power lion_dance lion_dance_pet long_hair love_theme_song lucky_horse_year lucky_money_come lucky_red_packet
lucky_veggie luminous_elf magic_broom magic_cloak magic_fireball magic_match_tree make_it_rain marry_me martial_arts
media_interview memory_alive motorcycle_dance mummy_transform muscle_pet mushroom my_santa_pic mythic_style
new_year_feast new_year_greeting nezha office_escape_plow ornament_crash overdrive palm_sized_figure
palm_sized_figure_pro particle_santa_surround perler_beads pet_bee pet_bee_pro pet_chef pet_chinese_opera pet_dance
pet_delivery pet_lion_pro pet_moto_rider pet_red_packet pet_vlogger pet_warrior pet_wizard phantom_jewel pigeon_dance
piggy_morph pink_pink_wings pixelpixel plushcut polar_bear_hug poping prank_box prosperity pucker_up pumpitup_dance
pumpkin_head_transform pure_white_wings raid_check rampage_ape red_packet_box ring_in_new rocketrocket running
running_man santa_express santa_gift santa_gifts santa_hug santa_random_surprise scarlet_and_snow sedan_chair_dance
send_my_love shark_alert shush_my_dreams siblings skateskate ski_ski skyfall smoke_smoke smooth_sailing_dance
smooth_transition snatched snow_night_kiss snowboarding snowglobe spark_in_the_snow spring_bloom squeeze_scream
steampunk steampunk_christmas studio_look subject_3_dance surfsurf surprise_bouquet swag_dance swing_swing swish_swish
switch_to_silk tangyuan_to_animal the_exercise the_high_kick the_hip_sway throne_of_king thumbs_up_pro tiger_hug_pro
toss_run trampoline trampoline_night twist_shake unique_firework unique_spring_couplets vampire_transform
venomous_spider watermelon_bomb wealth_drive wig_out witch_transform woodland_elf wool_curly yangge_dance yearbook
zombie_transform zoom_out
"""
_EN = """
genshin_vindi2 zhinen_xuesheng AOT ai_shatang genshin_klee2 genshin_kirara ai_kaiya oversea_male1 ai_chenjiahao_712
girlfriend_4_speech02 chat1_female_new-3 chat_0407_5-1 cartoon-boy-07 uk_boy1 cartoon-girl-01 PeppaPig_platform
ai_huangzhong_712 ai_huangyaoshi_712 ai_laoguowang_712 chengshu_jiejie you_pingjing calm_story1 uk_man2
laopopo_speech02 heainainai_speech02 reader_en_m-v1 commercial_lady_en_f-v1
"""
_ZH = """
genshin_vindi2 zhinen_xuesheng tiyuxi_xuedi ai_shatang genshin_klee2 genshin_kirara ai_kaiya tiexin_nanyou
ai_chenjiahao_712 girlfriend_1_speech02 chat1_female_new-3 girlfriend_2_speech02 cartoon-boy-07 cartoon-girl-01
ai_huangyaoshi_712 you_pingjing ai_laoguowang_712 chengshu_jiejie zhuxi_speech02 uk_oldman3 laopopo_speech02
heainainai_speech02 dongbeilaotie_speech02 chongqingxiaohuo_speech02 chuanmeizi_speech02 chaoshandashu_speech02
ai_taiwan_man2_speech02 xianzhanggui_speech02 tianjinjiejie_speech02 diyinnansang_DB_CN_M_04-v2 yizhipiannan-v1
guanxiaofang-v2 tianmeixuemei-v1 daopianyansang-v1 mengwa-v1
"""

WITH_MODEL = frozenset(_WITH_MODEL.split())
"""Scenes for one picture that need a ``model_name``."""

ONE_PERSON = frozenset(_LATER.split())
"""Later scenes for one picture, which take no model."""

TWO_PEOPLE = frozenset(_TWO_PEOPLE.split())
"""Scenes for pictures of two people."""

VOICES = {"en": frozenset(_EN.split()), "zh": frozenset(_ZH.split())}
"""Voices of speech and of the old lip-sync, by language."""
