"""The whole job for PP-TinyPose and PicoDet: fetch, verify, convert, prove."""
