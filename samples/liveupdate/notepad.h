/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The notepad: serialized format
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#ifndef _SAMPLES_LIVEUPDATE_NOTEPAD_H
#define _SAMPLES_LIVEUPDATE_NOTEPAD_H

#include <linux/build_bug.h>
#include <linux/compiler_attributes.h>
#include <linux/types.h>

/* A change of layout or meaning needs a new version. */
#define NOTE_COMPATIBLE		"sample-note-v1"
#define NOTEPAD_COMPATIBLE	"sample-notepad-v1"

/**
 * struct note_ser - a note
 * @text_pa: physical address of the page of text
 * @number: number of the note
 * @len: length of the text in bytes
 * @pos: offset of the next read, at most @len
 * @accmode: O_RDONLY, O_WRONLY or O_RDWR
 */
struct note_ser {
	u64 text_pa;
	u64 number;
	u64 len;
	u64 pos;
	u64 accmode;
} __packed;
static_assert(sizeof(struct note_ser) == 40);

/**
 * struct notepad_ser - state that all notes share
 * @last_number: the last number that was assigned
 */
struct notepad_ser {
	u64 last_number;
} __packed;
static_assert(sizeof(struct notepad_ser) == 8);

#endif /* _SAMPLES_LIVEUPDATE_NOTEPAD_H */
